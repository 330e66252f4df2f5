#ifndef DAEMON_STORAGE_MEMORY_STORE_H_
#define DAEMON_STORAGE_MEMORY_STORE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/base/mutex.h"
#include "daemon/storage/store.h"

namespace parley::storage {

// A Store in memory that tells what a power cut would leave: for simulation and
// tests. Deterministic. Threads as Store says; what is not Store's is called by
// the thread that commits.
//
//   Commit --> applied --Sync, a sync commit, Recover--> synced
//                 |
//                 '-- DropUnsynced --> gone
class MemoryStore : public Store {
 public:
  enum class Operation { kCommit, kSync, kRecover };

  // How an operation fails. A commit that fails may be applied all the same.
  struct Failure {
    absl::Status status;
    bool applied = false;
  };
  // Asked before each operation; nothing means success.
  using FaultHook = std::function<std::optional<Failure>(Operation)>;

  MemoryStore() = default;

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override;
  // After a failure Commit and Sync are FAILED_PRECONDITION until Recover.
  absl::Status Commit(const std::vector<Transaction>& transactions) override;
  absl::Status Sync() override;
  absl::Status Recover() override;
  std::unique_ptr<StoreReader> NewSnapshot() const override;

  void SetFaultHook(FaultHook hook) { fault_hook_ = std::move(hook); }

  // Commits that a power cut could take away.
  size_t unsynced_commits() const { return unsynced_.size(); }
  // What a power cut does: of the unsynced commits the first `kept` stay, in
  // order, the others never were.
  void DropUnsynced(size_t kept = 0);

  // The same rows with the same part unsynced; usable, without a hook.
  std::unique_ptr<MemoryStore> Clone() const;

 private:
  using Map = std::map<std::string, std::string, std::less<>>;
  // What the keys of a commit held before it.
  using Undo = std::vector<std::pair<std::string, std::optional<std::string>>>;
  class Snapshot;

  std::optional<Failure> Ask(Operation operation);
  void Apply(const std::vector<Transaction>& transactions);
  std::shared_ptr<const Map> rows() const;
  // The rows, for writing: a copy where a snapshot holds on to them.
  Map* MutableRows() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable base::Mutex mutex_;
  std::shared_ptr<Map> rows_ ABSL_GUARDED_BY(mutex_) = std::make_shared<Map>();
  std::vector<Undo> unsynced_;  // oldest first
  FaultHook fault_hook_;
  bool failed_ = false;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_MEMORY_STORE_H_
