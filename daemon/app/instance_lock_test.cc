#include "daemon/app/instance_lock.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::HasSubstr;

std::string NewDirectory() {
  std::string pattern = ::testing::TempDir() + "/lock.XXXXXX";
  return mkdtemp(pattern.data());
}

TEST(InstanceLockTest, OneHolderAtATime) {
  const std::string dir = NewDirectory();
  std::optional<InstanceLock> first;
  {
    absl::StatusOr<InstanceLock> lock = InstanceLock::Acquire(dir);
    ASSERT_TRUE(lock.ok()) << lock.status();
    first.emplace(*std::move(lock));
  }
  const absl::StatusOr<InstanceLock> second = InstanceLock::Acquire(dir);
  EXPECT_EQ(second.status().message(),
            absl::StrCat("state directory ", dir, " is in use by parleyd pid ",
                         getpid(), "; stop it, or use another --profile"));
  first.reset();
  EXPECT_TRUE(InstanceLock::Acquire(dir).ok());
}

TEST(InstanceLockTest, AFileLeftByADeadProcessIsNoHolder) {
  const std::string dir = NewDirectory();
  std::ofstream(dir + "/lock") << "999999999999999999999999\n";
  const absl::StatusOr<InstanceLock> lock = InstanceLock::Acquire(dir);
  ASSERT_TRUE(lock.ok()) << lock.status();
  std::string pid;
  std::ifstream(dir + "/lock") >> pid;
  EXPECT_EQ(pid, std::to_string(getpid()));
}

TEST(InstanceLockTest, NamesWhatCannotBeLocked) {
  EXPECT_THAT(
      std::string(InstanceLock::Acquire("/nonexistent").status().message()),
      HasSubstr("/nonexistent/lock: No such file"));
}

}  // namespace
}  // namespace parley::app
