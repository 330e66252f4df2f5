#ifndef DAEMON_STORAGE_ROCKSDB_STORE_DIRECTORY_H_
#define DAEMON_STORAGE_ROCKSDB_STORE_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/storage/rocksdb/recovery_report.h"
#include "rocksdb/file_system.h"
#include "rocksdb/status.h"

// What is done to a store's directory before RocksDB opens it, and what is said
// when it cannot be opened.
namespace parley::storage {

// RocksDB's own lock on a directory. Makes the directory if it is not there.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION, with the process that holds it, if another one does.
  static absl::StatusOr<DirectoryLock> Acquire(rocksdb::FileSystem* file_system,
                                               const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) = delete;
  ~DirectoryLock() { Release(); }

  void Release();

 private:
  DirectoryLock(rocksdb::FileSystem* file_system, rocksdb::FileLock* lock)
      : file_system_(file_system), lock_(lock) {}

  rocksdb::FileSystem* file_system_;
  rocksdb::FileLock* lock_;  // null: released
};

// Checks the files, and cuts an unsynced tail that cannot be read off the log.
// DATA_LOSS when more than that is wrong; then nothing was changed.
absl::StatusOr<RecoveryReport> MendDirectory(rocksdb::FileSystem* file_system,
                                             const std::string& directory);

// For a person: what is wrong with the store in `directory`, that nothing was
// deleted, and how to recover.
absl::Status DamagedStore(const std::string& directory, absl::string_view what);
absl::Status OpenError(const rocksdb::Status& status,
                       const std::string& directory);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_STORE_DIRECTORY_H_
