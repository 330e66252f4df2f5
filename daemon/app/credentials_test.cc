#include "daemon/app/credentials.h"

#include <sys/stat.h>

#include <deque>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "daemon/runtime/mailbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  void Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_) << content;
    chmod(path_.c_str(), mode);
  }
  Credentials::Source File() { return {path_, std::nullopt}; }
  Credentials::Source Command(const std::string& script) {
    Credentials::Source source;
    source.command.emplace();
    source.command->arguments = {"/bin/sh", "-c", script};
    source.command->environment = {{"PATH", "/usr/bin:/bin"},
                                   {"FOLDER", ::testing::TempDir()}};
    return source;
  }
  core::CredentialsFetched Fetch(Credentials* credentials, uint64_t id) {
    credentials->Fetch(core::FetchId(id));
    std::deque<runtime::Mail> mail = mailbox_.Take(absl::InfiniteDuration());
    return std::get<core::CredentialsFetched>(
        std::get<core::Event>(mail.at(0)));
  }

  const std::string path_ = ::testing::TempDir() + "/token";
  runtime::Mailbox mailbox_{{}};
};

TEST_F(CredentialsTest, ReadsTheFileAnewForEachFetch) {
  Credentials credentials(File(), &mailbox_);
  Write("first", 0644);
  core::CredentialsFetched event = Fetch(&credentials, 1);
  EXPECT_EQ(event.fetch, core::FetchId(1));
  EXPECT_EQ(event.token->Reveal(), "first");
  Write("second");
  EXPECT_EQ(Fetch(&credentials, 2).token->Reveal(), "second");
  remove(path_.c_str());
  event = Fetch(&credentials, 3);
  EXPECT_EQ(event.fetch, core::FetchId(3));
  EXPECT_EQ(event.token.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CredentialsTest, RunsTheCommandOnceForEachFetch) {
  remove((::testing::TempDir() + "/runs").c_str());
  Credentials credentials(
      Command("echo >>$FOLDER/runs; echo token-$(wc -l <$FOLDER/runs)"),
      &mailbox_);
  EXPECT_EQ(Fetch(&credentials, 1).token->Reveal(), "token-1");
  EXPECT_EQ(Fetch(&credentials, 2).token->Reveal(), "token-2");
}

TEST_F(CredentialsTest, AKeptTokenWinsUntilItIsForgotten) {
  Write("of-the-file");
  Credentials credentials(File(), &mailbox_);
  credentials.Keep(base::Secret("kept"));
  EXPECT_EQ(Fetch(&credentials, 1).token->Reveal(), "kept");
  EXPECT_EQ(Fetch(&credentials, 2).token->Reveal(), "kept");
  credentials.Keep(base::Secret());
  EXPECT_EQ(Fetch(&credentials, 3).token->Reveal(), "of-the-file");
}

TEST_F(CredentialsTest, WithoutASourceItSaysAllTheWaysToGiveOne) {
  Credentials credentials({}, &mailbox_);
  const absl::Status status = Fetch(&credentials, 1).token.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("token_file"), HasSubstr("token_command"),
                    HasSubstr("--token-file"), HasSubstr("auth set-token")));
  credentials.Keep(base::Secret("kept"));
  EXPECT_EQ(Fetch(&credentials, 2).token->Reveal(), "kept");
}

TEST_F(CredentialsTest, StopsAtOnceWhileTheCommandRuns) {
  const std::string started = ::testing::TempDir() + "/started";
  remove(started.c_str());
  ASSERT_EQ(mkfifo(started.c_str(), 0600), 0);
  const absl::Time begin = absl::Now();
  Credentials::Source source = Command("echo >$FOLDER/started; sleep 600");
  source.command->deadline = absl::Minutes(10);
  Credentials credentials(source, &mailbox_);
  credentials.Fetch(core::FetchId(1));
  std::string line;
  std::getline(std::ifstream(started), line);  // waits for the command
  mailbox_.Close();
  credentials.Stop();
  EXPECT_LT(absl::Now() - begin, absl::Minutes(2));
}

TEST_F(CredentialsTest, StopsWhileNobodyTakesItsAnswers) {
  Write("t");
  runtime::Mailbox::Limits limits;
  limits.max_events = 1;
  runtime::Mailbox mailbox(limits);
  Credentials credentials(File(), &mailbox);
  for (uint64_t id = 1; id <= 5; ++id) credentials.Fetch(core::FetchId(id));
  mailbox.Close();
  credentials.Stop();
  EXPECT_LE(mailbox.Take(absl::ZeroDuration()).size(), 1u);
}

}  // namespace
}  // namespace parley::app
