#include "daemon/app/credentials.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "daemon/runtime/mailbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() { Write("unused"); }

  void Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_) << content;
    chmod(path_.c_str(), mode);
  }
  std::string ErrorOf(const std::string& path) {
    return std::string(ReadToken(path).status().message());
  }

  const std::string path_ = ::testing::TempDir() + "/token";
};

TEST_F(CredentialsTest, TrimsTheToken) {
  Write(" \n aaa.bbb.ccc\r\n\n");
  const absl::StatusOr<Token> token = ReadToken(path_);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->value.Reveal(), "aaa.bbb.ccc");
  EXPECT_FALSE(token->exposed);
}

TEST_F(CredentialsTest, SeesThatOthersCanReadIt) {
  for (const mode_t mode : {0640, 0604, 0666, 0620}) {
    Write("t", mode);
    EXPECT_TRUE(ReadToken(path_)->exposed) << mode;
  }
  Write("t", 0400);
  EXPECT_FALSE(ReadToken(path_)->exposed);
}

TEST_F(CredentialsTest, SaysWhatIsWrongAndNeverTheContent) {
  EXPECT_THAT(ErrorOf(""),
              AllOf(HasSubstr("token_file"), HasSubstr("--token-file")));
  EXPECT_THAT(ErrorOf("/nonexistent/token"),
              AllOf(HasSubstr("/nonexistent/token: No such file"),
                    HasSubstr("chmod 600")));
  Write(" \n");
  EXPECT_THAT(ErrorOf(path_), HasSubstr("is empty"));
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

TEST_F(CredentialsTest, ReadsTheFileAnewForEachFetch) {
  runtime::Mailbox mailbox({});
  TokenFileCredentials credentials(path_, &mailbox);
  auto fetch = [&](uint64_t id) {
    credentials.Fetch(core::FetchId(id));
    std::deque<runtime::Mail> mail = mailbox.Take(absl::InfiniteDuration());
    return std::get<core::CredentialsFetched>(
        std::get<core::Event>(mail.at(0)));
  };
  Write("first", 0644);
  core::CredentialsFetched event = fetch(1);
  EXPECT_EQ(event.fetch, core::FetchId(1));
  EXPECT_EQ(event.token->Reveal(), "first");
  Write("second");
  EXPECT_EQ(fetch(2).token->Reveal(), "second");
  remove(path_.c_str());
  event = fetch(3);
  EXPECT_EQ(event.fetch, core::FetchId(3));
  EXPECT_EQ(event.token.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CredentialsTest, StopsWhileNobodyTakesItsAnswers) {
  runtime::Mailbox::Limits limits;
  limits.max_events = 1;
  runtime::Mailbox mailbox(limits);
  TokenFileCredentials credentials(path_, &mailbox);
  for (uint64_t id = 1; id <= 5; ++id) credentials.Fetch(core::FetchId(id));
  mailbox.Close();
  credentials.Stop();
  EXPECT_LE(mailbox.Take(absl::ZeroDuration()).size(), 1u);
}

}  // namespace
}  // namespace parley::app
