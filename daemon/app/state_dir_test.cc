#include "daemon/app/state_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::HasSubstr;

class StateDirTest : public ::testing::Test {
 protected:
  StateDirTest() {
    std::string pattern = ::testing::TempDir() + "/state.XXXXXX";
    root_ = mkdtemp(pattern.data());
  }

  static mode_t ModeOf(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  std::string root_;
};

TEST_F(StateDirTest, MakesEverythingThatIsMissing) {
  const std::string path = root_ + "/a/b/c";
  const absl::StatusOr<bool> narrowed = MakePrivateDirectory(path);
  ASSERT_TRUE(narrowed.ok()) << narrowed.status();
  EXPECT_FALSE(*narrowed);
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_EQ(ModeOf(root_ + "/a"), 0700u);
  EXPECT_TRUE(MakePrivateDirectory(path + "/").ok());
}

TEST_F(StateDirTest, NarrowsOneThatOthersCanEnter) {
  const std::string path = root_ + "/open";
  mkdir(path.c_str(), 0700);
  chmod(path.c_str(), 0755);
  const absl::StatusOr<bool> narrowed = MakePrivateDirectory(path);
  ASSERT_TRUE(narrowed.ok()) << narrowed.status();
  EXPECT_TRUE(*narrowed);
  EXPECT_EQ(ModeOf(path), 0700u);
  EXPECT_FALSE(*MakePrivateDirectory(path));
}

TEST_F(StateDirTest, FollowsALink) {
  mkdir((root_ + "/target").c_str(), 0700);
  const std::string link = root_ + "/link";
  ASSERT_EQ(symlink("target", link.c_str()), 0);
  EXPECT_TRUE(MakePrivateDirectory(link).ok());
}

TEST_F(StateDirTest, NamesWhatIsInTheWay) {
  const std::string file = root_ + "/file";
  std::ofstream(file) << "x";
  EXPECT_THAT(std::string(MakePrivateDirectory(file).status().message()),
              HasSubstr(file + ": Not a directory"));
  EXPECT_THAT(
      std::string(MakePrivateDirectory(file + "/below").status().message()),
      HasSubstr("Not a directory"));
  // /proc belongs to root, and nobody can make anything there.
  const absl::StatusOr<bool> proc = MakePrivateDirectory("/proc/parley/x");
  EXPECT_THAT(std::string(proc.status().message()), HasSubstr("/proc/parley"));
}

}  // namespace
}  // namespace parley::app
