#include "daemon/app/read_file.h"

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

std::string Path(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

TEST(ReadFileTest, ReadsAWholeFileAndItsMode) {
  const std::string path = Path("whole");
  std::ofstream(path) << std::string("a\0b\n", 4);
  chmod(path.c_str(), 0640);
  const absl::StatusOr<FileContent> file = ReadFile(path, 4);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes.Reveal(), absl::string_view("a\0b\n", 4));
  EXPECT_EQ(file->mode, 0640u);
}

TEST(ReadFileTest, RefusesWhatIsTooLarge) {
  const std::string path = Path("large");
  std::ofstream(path) << "12345";
  EXPECT_TRUE(ReadFile(path, 5).ok());
  const absl::StatusOr<FileContent> file = ReadFile(path, 4);
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(std::string(file.status().message()),
              HasSubstr("more than the 4 bytes"));
}

TEST(ReadFileTest, NamesTheFileThatCannotBeRead) {
  const std::string path = Path("missing");
  const absl::StatusOr<FileContent> missing = ReadFile(path, 10);
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr(path));
  const absl::StatusOr<FileContent> directory =
      ReadFile(::testing::TempDir(), 10);
  EXPECT_EQ(directory.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ReadFileTest, DoesNotWaitForAPipe) {
  const std::string path = Path("pipe");
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(std::string(ReadFile(path, 10).status().message()),
              HasSubstr("no file that can be read"));
}

}  // namespace
}  // namespace parley::app
