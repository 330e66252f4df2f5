#ifndef DAEMON_STORAGE_ROCKSDB_TEST_DIRECTORY_H_
#define DAEMON_STORAGE_ROCKSDB_TEST_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "daemon/base/check.h"
#include "daemon/storage/rocksdb/fault_file_system.h"

namespace parley::storage {

// A store's directory of its own and a file system that can fail, gone at the
// end of the test.
class TestDirectory {
 public:
  TestDirectory() {
    const char* parent = getenv("TEST_TMPDIR");
    std::string pattern =
        std::string(parent != nullptr ? parent : "/tmp") + "/store.XXXXXX";
    PARLEY_CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    std::filesystem::create_directory(root_ + "/trash");
    file_system_ = std::make_shared<FaultFileSystem>(
        rocksdb::FileSystem::Default(), root_ + "/trash");
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  std::string store() const { return root_ + "/db"; }
  const std::shared_ptr<FaultFileSystem>& file_system() const {
    return file_system_;
  }

 private:
  std::string root_;
  std::shared_ptr<FaultFileSystem> file_system_;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_TEST_DIRECTORY_H_
