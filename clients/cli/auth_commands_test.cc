#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "absl/strings/match.h"
#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;

// Takes every token, and remembers the last.
class SigningDaemon {
 public:
  FakeMethods methods;

  SigningDaemon() {
    methods.set_credentials = [this](const v1::SetCredentialsRequest& request,
                                     v1::SetCredentialsResponse*) {
      const std::lock_guard<std::mutex> lock(mutex_);
      token_ = request.token();
      return grpc::Status::OK;
    };
    methods.sign_out = [this](const v1::SignOutRequest& request,
                              v1::SignOutResponse* response) {
      const std::lock_guard<std::mutex> lock(mutex_);
      sign_out_ = request;
      response->set_discarded_entries(request.discard_outbox() ? 3 : 0);
      return grpc::Status::OK;
    };
  }

  std::string token() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return token_;
  }
  v1::SignOutRequest sign_out() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return sign_out_;
  }

 private:
  std::mutex mutex_;
  std::string token_;
  v1::SignOutRequest sign_out_;
};

TEST(AuthSetTokenTest, ReadsStdinAndPrintsNothingOfIt) {
  SigningDaemon signing;
  const FakeDaemon daemon(signing.methods);
  CliRunner runner(daemon);
  runner.stdin_text = "head.payload.signature\n";
  RunResult result = runner.Run({"auth", "set-token"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(signing.token(), "head.payload.signature");
  EXPECT_EQ(result.out,
            "the daemon has the token, until it stops; 'parleyctl auth show' "
            "says what the server makes of it\n");
  EXPECT_EQ(result.err, "");

  // One newline is the line's; a second one is the daemon's to refuse.
  runner.stdin_text = "token\n\n";
  result = runner.Run({"auth", "set-token", "--json"});
  EXPECT_EQ(signing.token(), "token\n");
  EXPECT_EQ(result.out, "{}\n");
}

TEST(AuthSetTokenTest, TakesNoTokenFromTheCommandLine) {
  SigningDaemon signing;
  const FakeDaemon daemon(signing.methods);
  const RunResult result =
      CliRunner(daemon).Run({"auth", "set-token", "head.payload.signature"});
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(signing.token(), "");
}

TEST(AuthSetTokenTest, RefusesWhatIsTooLargeOrNoText) {
  SigningDaemon signing;
  const FakeDaemon daemon(signing.methods);
  CliRunner runner(daemon);
  runner.stdin_text = std::string(1024 * 1024 + 1, 't');
  EXPECT_EQ(runner.Run({"auth", "set-token"}).code, 5);
  runner.stdin_text = "caf\xe9";
  EXPECT_EQ(runner.Run({"auth", "set-token"}).code, 2);
  EXPECT_EQ(signing.token(), "");
}

TEST(AuthSetTokenTest, TellsTheDaemonsRefusal) {
  FakeMethods methods;
  methods.set_credentials = [](const v1::SetCredentialsRequest&,
                               v1::SetCredentialsResponse*) {
    return DaemonError(grpc::StatusCode::FAILED_PRECONDITION,
                       "ACCOUNT_MISMATCH",
                       "the token is for bob, and this store is alice's");
  };
  const FakeDaemon daemon(methods);
  CliRunner runner(daemon);
  runner.stdin_text = "token";
  const RunResult result = runner.Run({"auth", "set-token"});
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.err,
            "parleyctl: cannot set the token: the token is for bob, and this "
            "store is alice's\n");
}

TEST(AuthShowTest, TellsTheAccountAndWhatWentWrong) {
  FakeMethods methods;
  methods.get_status = [](const v1::GetStatusRequest&,
                          v1::GetStatusResponse* response) {
    v1::ConnectionStatus* connection =
        response->mutable_status()->mutable_connection();
    connection->set_state(v1::CONNECTION_STATE_CREDENTIALS_REQUIRED);
    connection->set_user_id("alice");
    connection->set_cause("the token was refused");
    connection->set_last_error_message("invalid signature");
    *connection->mutable_token_expires_at() = Ago(absl::Minutes(-50.5));
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"auth", "show"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out,
            "account     alice\n"
            "token       expires in 50 min\n"
            "connection  CREDENTIALS_REQUIRED\n"
            "            the token was refused, last error: invalid "
            "signature\n");
  result = runner.Run({"auth", "show", "--json"});
  EXPECT_EQ(result.OneJson()["userId"], "alice");
}

TEST(AuthShowTest, TellsWhatWentWrongSinceItIsConnected) {
  for (const bool since : {true, false}) {
    FakeMethods methods;
    methods.get_status = [since](const v1::GetStatusRequest&,
                                 v1::GetStatusResponse* response) {
      v1::ConnectionStatus* connection =
          response->mutable_status()->mutable_connection();
      connection->set_state(v1::CONNECTION_STATE_READY);
      connection->set_cause("the server is ready");
      connection->set_last_error_message("the newer token was refused");
      *connection->mutable_since() = Ago(absl::Minutes(5));
      *connection->mutable_last_error_at() =
          Ago(since ? absl::Minutes(1) : absl::Minutes(9));
      return grpc::Status::OK;
    };
    const FakeDaemon daemon(methods);
    const RunResult result = CliRunner(daemon).Run({"auth", "show"});
    EXPECT_EQ(absl::StrContains(result.out, "the newer token was refused"),
              since)
        << result.out;
  }
}

TEST(AuthSignOutTest, KeepsEverythingUnlessToldOtherwise) {
  SigningDaemon signing;
  const FakeDaemon daemon(signing.methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"auth", "sign-out"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out,
            "signed out; what is queued is kept, rooms and messages kept\n");
  EXPECT_FALSE(signing.sign_out().discard_outbox());
  EXPECT_FALSE(signing.sign_out().wipe_cache());

  result = runner.Run({"auth", "sign-out", "--discard-queue"});
  EXPECT_EQ(result.out,
            "signed out; 3 queued messages discarded, rooms and messages "
            "kept\n");
  EXPECT_TRUE(signing.sign_out().discard_outbox());
  EXPECT_FALSE(signing.sign_out().wipe_cache());

  result = runner.Run({"auth", "sign-out", "--wipe-cache", "--json"});
  EXPECT_EQ(result.OneJson()["discardedEntries"], 0);
  EXPECT_FALSE(signing.sign_out().discard_outbox());
  EXPECT_TRUE(signing.sign_out().wipe_cache());
}

}  // namespace
}  // namespace parley::cli
