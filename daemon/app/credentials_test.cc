#include "daemon/app/credentials.h"

#include <sys/stat.h>

#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "daemon/runtime/mailbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

// A disk that answers when it is told to.
class DeadDisk {
 public:
  Credentials::FileReader Reader() {
    return [state = state_](const std::string&) -> absl::StatusOr<FileToken> {
      if (!std::exchange(state->asked, true)) state->first.set_value();
      state->alive.wait();
      return FileToken{base::Secret("of-the-disk"), /*exposed=*/true};
    };
  }
  void WaitUntilAsked() { asked_.wait(); }
  void ComeBack() { state_->come_back.set_value(); }
  // Until nobody can ask any more, or is waiting.
  void WaitUntilLeft() {
    state_.reset();
    left_.wait();
  }

 private:
  struct State {
    ~State() { left.set_value(); }
    bool asked = false;  // the thread's own
    std::promise<void> first;
    std::promise<void> come_back;
    std::shared_future<void> alive = come_back.get_future().share();
    std::promise<void> left;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::future<void> asked_ = state_->first.get_future();
  std::future<void> left_ = state_->left.get_future();
};

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
    return Next(&mailbox_);
  }
  // What has been posted, which is one event.
  static core::CredentialsFetched Next(runtime::Mailbox* mailbox) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (absl::Now() < deadline) {
      for (runtime::Mail& mail : mailbox->Take(deadline - absl::Now())) {
        return std::get<core::CredentialsFetched>(std::get<core::Event>(mail));
      }
    }
    ADD_FAILURE() << "nothing was posted";
    return {core::FetchId(), absl::DeadlineExceededError("none")};
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

TEST_F(CredentialsTest, AKeptTokenDoesNotWaitForADeadDisk) {
  DeadDisk disk;
  Credentials credentials(File(), &mailbox_, disk.Reader());
  credentials.Fetch(core::FetchId(1));
  disk.WaitUntilAsked();
  credentials.Keep(base::Secret("kept"));
  const core::CredentialsFetched event = Fetch(&credentials, 2);
  EXPECT_EQ(event.fetch, core::FetchId(2));
  EXPECT_EQ(event.token->Reveal(), "kept");
  disk.ComeBack();
}

TEST_F(CredentialsTest, AKeptTokenWaitsForRoomInTheMailbox) {
  runtime::Mailbox::Limits limits;
  limits.max_events = 1;
  runtime::Mailbox mailbox(limits);
  Credentials credentials({}, &mailbox);
  credentials.Keep(base::Secret("kept"));
  credentials.Fetch(core::FetchId(1));
  credentials.Fetch(core::FetchId(2));
  EXPECT_EQ(Next(&mailbox).fetch, core::FetchId(1));
  const core::CredentialsFetched event = Next(&mailbox);
  EXPECT_EQ(event.fetch, core::FetchId(2));
  EXPECT_EQ(event.token->Reveal(), "kept");
}

TEST_F(CredentialsTest, OfWhatWaitsForADeadDiskOnlyTheLastIsAnswered) {
  DeadDisk disk;
  Credentials credentials(File(), &mailbox_, disk.Reader());
  credentials.Fetch(core::FetchId(1));
  disk.WaitUntilAsked();
  for (uint64_t id = 2; id <= 1000; ++id) credentials.Fetch(core::FetchId(id));
  disk.ComeBack();
  std::vector<core::FetchId> answered;
  const absl::Time deadline = absl::Now() + kPatience;
  while (answered.size() < 2 && absl::Now() < deadline) {
    for (runtime::Mail& mail : mailbox_.Take(deadline - absl::Now())) {
      answered.push_back(
          std::get<core::CredentialsFetched>(std::get<core::Event>(mail))
              .fetch);
    }
  }
  EXPECT_THAT(answered, ElementsAre(core::FetchId(1), core::FetchId(1000)));
}

TEST_F(CredentialsTest, StopLeavesADeadDiskBehind) {
  DeadDisk disk;
  auto mailbox = std::make_unique<runtime::Mailbox>(runtime::Mailbox::Limits());
  auto credentials =
      std::make_unique<Credentials>(File(), mailbox.get(), disk.Reader());
  credentials->Fetch(core::FetchId(1));
  disk.WaitUntilAsked();
  mailbox->Close();
  credentials->Stop();
  // What comes after all finds nobody, and does no harm.
  credentials.reset();
  mailbox.reset();
  disk.ComeBack();
  disk.WaitUntilLeft();
}

}  // namespace
}  // namespace parley::app
