#ifndef TESTS_INTEGRATION_NO_SYNC_FILE_SYSTEM_H_
#define TESTS_INTEGRATION_NO_SYNC_FILE_SYSTEM_H_

#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace parley::integration {

// The machine's files without the machine's patience. For a test that loses
// power only in its imagination: what is synced is known to the file system
// above this one, and the disk itself need not hear of it.
class NoSyncFileSystem : public rocksdb::FileSystemWrapper {
 public:
  NoSyncFileSystem();

  const char* Name() const override { return "ParleyNoSyncFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path,
                                 const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_NO_SYNC_FILE_SYSTEM_H_
