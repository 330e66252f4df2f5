#include "daemon/app/token.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TokenTest : public ::testing::Test {
 protected:
  void Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_) << content;
    chmod(path_.c_str(), mode);
  }
  std::string ErrorOf(const std::string& path) {
    return std::string(ReadTokenFile(path).status().message());
  }

  const std::string path_ = ::testing::TempDir() + "/token";
};

TEST_F(TokenTest, TrimsTheToken) {
  Write(" \n aaa.bbb.ccc\r\n\n");
  const absl::StatusOr<FileToken> token = ReadTokenFile(path_);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->value.Reveal(), "aaa.bbb.ccc");
  EXPECT_FALSE(token->exposed);
}

TEST_F(TokenTest, SeesThatOthersCanReadIt) {
  for (const mode_t mode : {0640, 0604, 0666, 0620}) {
    Write("t", mode);
    EXPECT_TRUE(ReadTokenFile(path_)->exposed) << mode;
  }
  Write("t", 0400);
  EXPECT_FALSE(ReadTokenFile(path_)->exposed);
}

TEST_F(TokenTest, SaysWhatIsWrongAndNeverTheContent) {
  EXPECT_THAT(ErrorOf("/nonexistent/token"),
              AllOf(HasSubstr("/nonexistent/token: No such file"),
                    HasSubstr("chmod 600")));
  Write(" \n");
  EXPECT_THAT(ErrorOf(path_), HasSubstr(path_ + " is empty"));
  Write("secret words");
  EXPECT_THAT(ErrorOf(path_),
              AllOf(HasSubstr("one word"), Not(HasSubstr("secret"))));
  Write("secret\xc3\xa9");
  EXPECT_THAT(ErrorOf(path_), Not(HasSubstr("secret")));
  Write(std::string(kMaxTokenBytes, 'x'));
  EXPECT_EQ(ErrorOf(path_), "");
  Write(std::string(kMaxTokenBytes + 1, 'x'));
  EXPECT_THAT(ErrorOf(path_), HasSubstr("65536"));
}

}  // namespace
}  // namespace parley::app
