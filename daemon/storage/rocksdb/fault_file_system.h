#ifndef DAEMON_STORAGE_ROCKSDB_FAULT_FILE_SYSTEM_H_
#define DAEMON_STORAGE_ROCKSDB_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/mutex.h"
#include "rocksdb/file_system.h"

namespace parley::storage {

// A file system for tests that loses what was not synced, as a machine does
// that loses power, and fails when it is told to. It works on real files.
//
//   RUNNING --write point N reached, or Crash--> CRASHED: all fails
//      ^                                            |
//      '-------------------- PowerCut --------------'
//
// What the model has: bytes appended but not synced are lost; a file that was
// made, renamed or deleted comes back as it was unless its directory was synced
// since. What was there before is taken for synced. Truncating counts as
// synced. RocksDB's own log (LOG*) and LOCK are left alone.
//
// Thread-safe. PowerCut needs every file closed, that is the database gone.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // Where a crash can happen. Each of these is a write point; they are counted
  // from 1.
  enum class Operation {
    kCreate,
    kAppend,
    kSync,
    kRename,
    kDelete,
    kTruncate,
    kCreateDirectory,
    kSyncDirectory,
  };

  // What is left of bytes that were not synced.
  enum class Tail {
    kDrop,      // none
    kTear,      // the first half
    kScramble,  // as many bytes, the first half of them zeros
  };

  // Asked before each operation, without a lock held, so that it may block (a
  // slow disk) or take its time. An error is returned to the caller, and the
  // operation does not happen; a failed append may have written a part.
  using Hook = std::function<rocksdb::IOStatus(Operation, const std::string&)>;

  // What was deleted and not yet synced is kept in `trash`, a directory on the
  // same file system as the files, which must exist and be used for nothing
  // else.
  FaultFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                  const std::string& trash);
  ~FaultFileSystem() override;

  const char* Name() const override { return "ParleyFaultFileSystem"; }

  void SetHook(Hook hook);
  // The write points passed so far.
  uint64_t write_points() const;
  // Crashes at write point `number` instead of passing it; an append leaves its
  // first half. 0: does not.
  void CrashAt(uint64_t number);
  void Crash();
  bool crashed() const;

  // Makes the files what a power cut leaves of them, and runs on.
  void PowerCut(Tail tail = Tail::kDrop);

  // --- rocksdb::FileSystem ---------------------------------------------------
  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(
      const std::string& path, const std::string& old_path,
      const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSRandomRWFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDir(const std::string& path,
                              const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  class WritableFile;
  class Directory;

  // A change to a directory that is not yet on the disk.
  struct Pending {
    enum class Kind { kCreated, kDeleted, kRenamed };
    Kind kind;
    std::string directory;  // whose sync settles it
    std::string path;
    std::string from;   // kRenamed: what `path` was
    std::string trash;  // what was at `path` before; empty: nothing
  };
  struct FileState {
    uint64_t written = 0;
    uint64_t synced = 0;
  };

  // Passes a write point, or says why not. `*torn` is set when an append is to
  // leave its first half.
  rocksdb::IOStatus Pass(Operation operation, const std::string& path,
                         bool* torn = nullptr);
  rocksdb::IOStatus MoveToTrash(const std::string& path, std::string* trash);
  void OnAppended(const std::string& path, uint64_t bytes);
  void OnSynced(const std::string& path, uint64_t written);
  uint64_t WrittenOf(const std::string& path) const;
  void OnTruncated(const std::string& path, uint64_t size);
  void OnDirectorySynced(const std::string& path);
  void UndoPending(const Pending& pending)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CutTail(const std::string& path, const FileState& state, Tail tail);

  const std::string trash_directory_;
  mutable base::Mutex mutex_;
  Hook hook_ ABSL_GUARDED_BY(mutex_);
  uint64_t write_points_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t crash_at_ ABSL_GUARDED_BY(mutex_) = 0;
  bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_trash_ ABSL_GUARDED_BY(mutex_) = 1;
  // Of files that were written through this object.
  std::map<std::string, FileState> files_ ABSL_GUARDED_BY(mutex_);
  std::vector<Pending> pending_ ABSL_GUARDED_BY(mutex_);  // oldest first
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_FAULT_FILE_SYSTEM_H_
