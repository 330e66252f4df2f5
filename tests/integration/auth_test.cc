// Tokens and sign-outs by parleyctl, against a real daemon and server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "parley/v1/status.pb.h"
#include "tests/integration/harness/calls.h"
#include "tests/integration/harness/daemon.h"
#include "tests/integration/harness/process.h"
#include "tests/integration/harness/realtime_server.h"
#include "tests/integration/harness/tcp_proxy.h"
#include "tests/integration/harness/test_bed.h"

namespace parley::integration {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// That of tools/realtime_server.
constexpr char kServersSecret[] =
    "parley-development-secret-not-for-production";

// A daemon that is given no token at its start. The proxy counts how often it
// goes to the server.
class AuthTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(bed_.server().Start());
    proxy_.SetTargetPort(bed_.server().port());
    daemon_ = &bed_.AddDaemon("alice");
    alice_ = daemon_->options().token;
    daemon_->options().token = "";
    daemon_->options().server_url =
        absl::StrCat("http://127.0.0.1:", proxy_.port());
    ASSERT_OK(daemon_->Start());
  }

  // Whatever happens, nobody is told a token.
  void TearDown() override {
    EXPECT_FALSE(absl::StrContains(ReadTextFile(daemon_->log_path()), "eyJ"));
  }

  static std::string Sign(absl::string_view secret, const std::string& claims) {
    CommandLine command;
    command.arguments = {"/usr/bin/env", "node",
                         "tests/integration/sign_token.js", std::string(secret),
                         claims};
    command.environment = {absl::StrCat("PATH=", std::getenv("PATH"))};
    const auto result = integration::RunToEnd(command);
    EXPECT_TRUE(result.ok() && result->code == 0);
    return result.ok() ? result->out : "";
  }

  Calls calls() { return Calls(&daemon_->client()); }

  RunResult Ctl(const std::vector<std::string>& arguments,
                const std::string& input = "") const {
    RunResult result = daemon_->Ctl(arguments, input);
    EXPECT_FALSE(absl::StrContains(result.out + result.err, "eyJ"));
    return result;
  }
  RunResult SetToken(const std::string& token) const {
    return Ctl({"auth", "set-token"}, token);
  }
  std::string Show() const { return Ctl({"auth", "show"}).out; }

  void SignIn(const std::string& token) {
    const RunResult result = SetToken(token);
    ASSERT_EQ(result.code, 0) << result.err;
    ASSERT_OK(calls().WaitUntilReady());
  }

  absl::Status WaitUntilItNeedsAToken(const std::string& error_code) {
    return calls().WaitUntil([&](const v1::DaemonStatus& status) {
      return status.connection().state() ==
                 v1::CONNECTION_STATE_CREDENTIALS_REQUIRED &&
             status.connection().last_error_code() == error_code;
    });
  }

  // With a token file.
  void RestartWith(const std::string& token) {
    daemon_->Kill();
    daemon_->options().token = token;
    ASSERT_OK(daemon_->Start());
    ASSERT_OK(calls().Status());
  }

  // Has the daemon look for a token; returns once it has found none.
  void LookInVain() {
    const absl::Time before = absl::Now();
    ASSERT_EQ(Ctl({"connect"}).code, 0);
    ASSERT_OK(calls().WaitUntil([&](const v1::DaemonStatus& status) {
      const v1::ConnectionStatus& connection = status.connection();
      return connection.state() == v1::CONNECTION_STATE_CREDENTIALS_REQUIRED &&
             absl::FromUnixSeconds(connection.next_retry_at().seconds()) +
                     absl::Nanoseconds(connection.next_retry_at().nanos()) >=
                 before + kRetry;
    }));
  }

  // Alice has received "sent"; "queued" waits, as she is offline.
  void SendAndQueue() {
    ASSERT_NO_FATAL_FAILURE(SignIn(alice_));
    ASSERT_OK(calls().Join("r"));
    ASSERT_OK(calls().Send("r", "sent"));
    ASSERT_OK(calls().WaitUntilSent());
    ASSERT_EQ(Ctl({"disconnect"}).code, 0);
    ASSERT_OK(calls().Send("r", "queued"));
  }

  std::vector<std::string> Messages() {
    std::vector<std::string> texts;
    const auto messages = calls().Messages("r");
    if (!messages.ok()) return texts;
    for (const v1::Message& message : *messages) {
      texts.push_back(message.text());
    }
    return texts;
  }
  size_t Queued() {
    const auto entries = calls().Outbox();
    EXPECT_TRUE(entries.ok()) << entries.status();
    return entries.ok() ? entries->size() : 0;
  }
  std::vector<std::string> ServersTexts() {
    const auto texts = bed_.server().Texts("r", "alice");
    EXPECT_TRUE(texts.ok()) << texts.status();
    return texts.value_or(std::vector<std::string>());
  }

  // Between two looks for a token.
  static constexpr absl::Duration kRetry = absl::Seconds(30);

  TestBed bed_;
  TcpProxy proxy_{0};
  Daemon* daemon_ = nullptr;
  std::string alice_;  // her token, with a line's end as files have it
};

// --- Tokens ------------------------------------------------------------------

TEST_F(AuthTest, SignsInWithATokenFromStdin) {
  ASSERT_OK(WaitUntilItNeedsAToken("CREDENTIALS_REQUIRED"));
  EXPECT_THAT(Show(), AllOf(HasSubstr("not known yet"),
                            HasSubstr("parleyctl auth set-token")));
  EXPECT_EQ(proxy_.stats().accepted, 0u);

  const RunResult result = SetToken(alice_);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("the daemon has the token"));
  ASSERT_OK(calls().WaitUntilReady());
  EXPECT_THAT(Show(), AllOf(HasSubstr("alice"), HasSubstr("expires in")));
  EXPECT_EQ(proxy_.stats().accepted, 1u);
}

TEST_F(AuthTest, TakesNoNonsense) {
  for (const char* nonsense : {"", "two words", "\xff"}) {
    EXPECT_EQ(SetToken(nonsense).code, 2) << nonsense;
  }
  EXPECT_EQ(proxy_.stats().accepted, 0u);
}

// How the server refuses a token.
struct Refusal {
  const char* secret;
  const char* claims;
  const char* code;
};

class RefusedTokenTest : public AuthTest,
                         public ::testing::WithParamInterface<Refusal> {};

TEST_P(RefusedTokenTest, IsToldInWordsAndNotSentAgain) {
  const std::string refused = Sign(GetParam().secret, GetParam().claims);
  EXPECT_EQ(SetToken(refused).code, 0);
  ASSERT_OK(WaitUntilItNeedsAToken(GetParam().code));
  EXPECT_THAT(Show(),
              HasSubstr("the server refused the connection: Invalid token"));

  const RunResult again = SetToken(refused);
  EXPECT_EQ(again.code, 4);
  EXPECT_THAT(again.err, AllOf(HasSubstr("has refused this very token"),
                               HasSubstr("get a new one")));
  ASSERT_NO_FATAL_FAILURE(LookInVain());
  EXPECT_EQ(proxy_.stats().accepted, 1u);

  ASSERT_NO_FATAL_FAILURE(SignIn(alice_));
  EXPECT_EQ(proxy_.stats().accepted, 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Tokens, RefusedTokenTest,
    ::testing::Values(
        Refusal{"another secret", R"({"sub":"alice"})", "INVALID_TOKEN"},
        Refusal{kServersSecret, R"({"sub":"alice","exp":1})", "TOKEN_EXPIRED"}),
    [](const auto& info) -> std::string { return info.param.code; });

TEST_F(AuthTest, ARefusedTokenOfTheFileIsNotSentAgain) {
  ASSERT_NO_FATAL_FAILURE(
      RestartWith(Sign("another secret", R"({"sub":"alice"})")));
  ASSERT_OK(WaitUntilItNeedsAToken("INVALID_TOKEN"));
  for (int i = 0; i < 3; ++i) ASSERT_NO_FATAL_FAILURE(LookInVain());
  EXPECT_EQ(proxy_.stats().accepted, 1u);
}

// --- Signing out -------------------------------------------------------------

TEST_F(AuthTest, SignedOutItAsksNobodyForATokenAndKeepsAll) {
  ASSERT_NO_FATAL_FAILURE(SendAndQueue());
  const RunResult result = Ctl({"auth", "sign-out"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "signed out; what is queued is kept, rooms and messages kept\n");

  const uint64_t connects = proxy_.stats().accepted;
  ASSERT_NO_FATAL_FAILURE(RestartWith(alice_));
  const auto status = calls().Status();
  ASSERT_OK(status);
  EXPECT_EQ(status->connection().state(), v1::CONNECTION_STATE_STOPPED);
  EXPECT_THAT(Messages(), ElementsAre("sent", "queued"));
  EXPECT_EQ(Queued(), 1u);
  const RunResult refused =
      Ctl({"message", "send", "--room", "r", "--text", "hi"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.err, HasSubstr("nobody is signed in"));
  EXPECT_EQ(proxy_.stats().accepted, connects);

  ASSERT_NO_FATAL_FAILURE(SignIn(alice_));
  ASSERT_OK(calls().WaitUntilSent());
  EXPECT_THAT(ServersTexts(), ElementsAre("sent", "queued"));
}

TEST_F(AuthTest, SigningOutDiscardsTheQueue) {
  ASSERT_NO_FATAL_FAILURE(SendAndQueue());
  const RunResult result = Ctl({"auth", "sign-out", "--discard-queue"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "signed out; 1 queued message discarded, rooms and messages "
            "kept\n");
  EXPECT_THAT(Messages(), ElementsAre("sent"));
  EXPECT_EQ(Queued(), 0u);
  ASSERT_NO_FATAL_FAILURE(SignIn(alice_));
  ASSERT_OK(calls().Send("r", "later"));
  ASSERT_OK(calls().WaitUntilSent());
  EXPECT_THAT(ServersTexts(), ElementsAre("sent", "later"));
}

TEST_F(AuthTest, SigningOutForgetsWhatWasReceived) {
  ASSERT_NO_FATAL_FAILURE(SendAndQueue());
  const RunResult result = Ctl({"auth", "sign-out", "--wipe-cache"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "signed out; what is queued is kept, rooms and messages "
            "forgotten\n");
  EXPECT_THAT(Messages(), ElementsAre("queued"));
  EXPECT_EQ(Queued(), 1u);
  ASSERT_NO_FATAL_FAILURE(SignIn(alice_));
  ASSERT_OK(calls().WaitUntilSent());
  EXPECT_THAT(ServersTexts(), ElementsAre("sent", "queued"));
}

TEST_F(AuthTest, AnotherAccountComesOnlyAfterAFullSignOut) {
  const auto bob = RealtimeServer::Token("bob");
  ASSERT_OK(bob);
  ASSERT_NO_FATAL_FAILURE(SendAndQueue());
  const auto expect_refusal = [this](const std::string& token) {
    const RunResult result = SetToken(token);
    EXPECT_EQ(result.code, 4);
    EXPECT_THAT(result.err, HasSubstr("the token is for bob, but this profile "
                                      "belongs to alice"));
  };
  expect_refusal(*bob);
  for (const char* half : {"--discard-queue", "--wipe-cache"}) {
    ASSERT_EQ(Ctl({"auth", "sign-out", half}).code, 0);
    expect_refusal(*bob);
  }

  const RunResult result =
      Ctl({"auth", "sign-out", "--discard-queue", "--wipe-cache"});
  EXPECT_EQ(result.code, 0) << result.err;
  ASSERT_NO_FATAL_FAILURE(SignIn(*bob));
  EXPECT_THAT(Show(), HasSubstr("bob"));
  EXPECT_THAT(Messages(), IsEmpty());
  EXPECT_EQ(Queued(), 0u);
  ASSERT_OK(calls().Join("r"));
  ASSERT_OK(calls().Send("r", "of bob"));
  ASSERT_OK(calls().WaitUntilSent());
  EXPECT_THAT(ServersTexts(), ElementsAre("sent", "of bob"));
  EXPECT_THAT(SetToken(alice_).err, HasSubstr("belongs to bob"));
}

}  // namespace
}  // namespace parley::integration
