#ifndef DAEMON_STORAGE_ROCKSDB_ROCKSDB_STORE_H_
#define DAEMON_STORAGE_ROCKSDB_ROCKSDB_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/base/mutex.h"
#include "daemon/storage/rocksdb/recovery_report.h"
#include "daemon/storage/store.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace parley::storage {

// The Store of the daemon: a RocksDB in a small configuration, opened with the
// care that wal_inspection.h describes. Threads as Store says.
//
//              Commit or Sync fails
//     OPEN -------------------------> FAILED: reads go on, writes are refused
//      ^ ^                              |
//      | '--- Recover: flush works -----|
//      |                                | Recover: it does not, and no
//      |                                v snapshot is held
//      '------ Recover: opens ------- CLOSED: reads are UNAVAILABLE
class RocksDbStore : public Store {
 public:
  struct Options {
    // Null: that of the machine.
    std::shared_ptr<rocksdb::FileSystem> file_system;
  };

  // Opens the store in `directory`, whose parent must exist, or makes a new one
  // there. Never deletes what it cannot read.
  //
  //   FAILED_PRECONDITION  another process has it open (and which)
  //   DATA_LOSS            it is damaged: where, and how to recover
  //   RESOURCE_EXHAUSTED   the disk is full
  //   UNAVAILABLE          an I/O error
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(
      const std::string& directory, const Options& options);
  ~RocksDbStore() override;

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override;
  absl::Status Commit(const std::vector<Transaction>& transactions) override;
  absl::Status Sync() override;
  absl::Status Recover() override;
  std::unique_ptr<StoreReader> NewSnapshot() const override;

  // Of the last opening. Called by the thread that commits.
  const RecoveryReport& recovery_report() const { return recovery_report_; }

 private:
  class Instance;
  class Snapshot;

  RocksDbStore(std::string directory, const Options& options);

  absl::Status OpenInstance();
  // Null while the store is closed.
  std::shared_ptr<Instance> instance() const;

  const std::string directory_;
  const Options options_;
  // Of the thread that commits.
  RecoveryReport recovery_report_;
  bool failed_ = false;
  // Sequence numbers up to this survive a power cut.
  uint64_t synced_ = 0;

  mutable base::Mutex mutex_;
  std::shared_ptr<Instance> instance_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_ROCKSDB_STORE_H_
