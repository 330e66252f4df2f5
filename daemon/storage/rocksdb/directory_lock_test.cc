#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/storage/rocksdb/store_directory.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/testing/status_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::storage {
namespace {

// Another process that has the lock of a RocksDB, from construction to
// destruction. It forks: no RocksDB may have been opened before.
class Holder {
 public:
  explicit Holder(const std::string& lock_path) {
    int ready[2];
    int stop[2];
    PARLEY_CHECK(pipe(ready) == 0 && pipe(stop) == 0);
    pid_ = fork();
    PARLEY_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      close(stop[1]);
      const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT, 0600);
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      lock.l_whence = SEEK_SET;
      const bool locked = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
      const char answer = locked ? 'y' : 'n';
      char byte = 0;
      const bool told = write(ready[1], &answer, 1) == 1;
      // Ends when the parent closes its end, or dies.
      const bool ended = read(stop[0], &byte, 1) == 0;
      _exit(told && ended ? 0 : 1);
    }
    close(stop[0]);
    close(ready[1]);
    stop_ = stop[1];
    char answer = 0;
    PARLEY_CHECK(read(ready[0], &answer, 1) == 1 && answer == 'y');
    close(ready[0]);
  }
  ~Holder() {
    close(stop_);
    int status = 0;
    waitpid(pid_, &status, 0);
  }

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  int stop_ = -1;
};

TEST(DirectoryLockTest, NamesTheProcessThatHoldsIt) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.store());
  {
    const Holder holder(directory.store() + "/LOCK");
    const absl::Status status =
        DirectoryLock::Acquire(directory.file_system().get(), directory.store())
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(
        std::string(status.message()),
        testing::HasSubstr(absl::StrCat("in use by process ", holder.pid())));
  }
  ASSERT_OK(
      DirectoryLock::Acquire(directory.file_system().get(), directory.store()));
}

TEST(DirectoryLockTest, IsReleasedAtItsEnd) {
  const TestDirectory directory;
  for (int i = 0; i < 2; ++i) {
    auto lock = DirectoryLock::Acquire(directory.file_system().get(),
                                       directory.store());
    ASSERT_OK(lock);
    const DirectoryLock moved = *std::move(lock);
  }
}

}  // namespace
}  // namespace parley::storage
