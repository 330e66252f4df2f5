#include "tests/integration/no_sync_file_system.h"

#include <utility>

namespace parley::integration {
namespace {

class File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  rocksdb::IOStatus Sync(const rocksdb::IOOptions&,
                         rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&,
                          rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus RangeSync(uint64_t, uint64_t, const rocksdb::IOOptions&,
                              rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
};

class Directory : public rocksdb::FSDirectoryWrapper {
 public:
  using FSDirectoryWrapper::FSDirectoryWrapper;

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&,
                          rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus FsyncWithDirOptions(
      const rocksdb::IOOptions&, rocksdb::IODebugContext*,
      const rocksdb::DirFsyncOptions&) override {
    return rocksdb::IOStatus::OK();
  }
};

}  // namespace

NoSyncFileSystem::NoSyncFileSystem()
    : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

rocksdb::IOStatus NoSyncFileSystem::NewWritableFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status =
      target()->NewWritableFile(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(*result));
  return status;
}

rocksdb::IOStatus NoSyncFileSystem::ReopenWritableFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status =
      target()->ReopenWritableFile(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(*result));
  return status;
}

rocksdb::IOStatus NoSyncFileSystem::NewDirectory(
    const std::string& path, const rocksdb::IOOptions& options,
    std::unique_ptr<rocksdb::FSDirectory>* result,
    rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status =
      target()->NewDirectory(path, options, result, debug);
  if (status.ok()) *result = std::make_unique<Directory>(std::move(*result));
  return status;
}

}  // namespace parley::integration
