#include "clients/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "clients/cli/cli_runner.h"
#include "clients/cpp/testing/temp_dir.h"

namespace parley::cli {
namespace {

using ::parley::client::FakeDaemon;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

MATCHER(IsOneLine, "is one line of parleyctl's") {
  return std::count(arg.begin(), arg.end(), '\n') == 1 && arg.back() == '\n' &&
         arg.rfind("parleyctl: ", 0) == 0;
}

// A line on stderr, nothing on stdout.
void ExpectUsageError(const std::vector<std::string>& arguments,
                      const std::string& what) {
  CliRunner runner;
  runner.environment["XDG_RUNTIME_DIR"] = "/nonexistent";
  const RunResult result = runner.Run(arguments);
  EXPECT_EQ(result.code, 2) << what;
  EXPECT_EQ(result.out, "") << what;
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr(what)));
}

client::FakeMethods StatusOnly() {
  client::FakeMethods methods;
  methods.get_status = [](const v1::GetStatusRequest&,
                          v1::GetStatusResponse* response) {
    response->mutable_status()->set_pid(42);
    return grpc::Status::OK;
  };
  return methods;
}

TEST(CliTest, ExplainsWrongCommandLines) {
  ExpectUsageError({}, "a verb is missing, one of status, connect");
  ExpectUsageError({"frobnicate"},
                   "unknown verb 'frobnicate'; see "
                   "'parleyctl --help'");
  ExpectUsageError({"stauts"}, "unknown verb 'stauts', 'status'?");
  ExpectUsageError({"room"}, "a verb is missing, one of join, leave");
  ExpectUsageError({"room", "jion", "--room", "a"},
                   "unknown verb 'jion', 'join'?; see 'parleyctl room --help'");
  ExpectUsageError({"room", "join"},
                   "--room is required; see 'parleyctl room "
                   "join --help'");
  ExpectUsageError({"room", "join", "--room"}, "--room");
  ExpectUsageError({"room", "list", "general"}, "unknown argument 'general'");
  ExpectUsageError({"status", "--jsom"}, "unknown option '--jsom', '--json'?");
  ExpectUsageError({"status", "--output", "xml"}, "xml");
  ExpectUsageError({"status", "--json", "--output", "table"}, "excludes");
  ExpectUsageError({"status", "--timeout", "30"}, "has no unit, write 30s");
  ExpectUsageError({"status", "--timeout", "never"}, "is no duration");
  ExpectUsageError({"status", "--profile", "a", "--socket", "/b"}, "excludes");
  ExpectUsageError({"outbox", "retry"}, "CLIENT_MESSAGE_ID is required");
  ExpectUsageError({"outbox", "retry", "a", "b"}, "unknown argument 'b'");
  ExpectUsageError(
      {"message", "send", "--room", "a", "--text", "b", "--wait", "forever"},
      "forever");
  ExpectUsageError({"message", "list", "--room", "a", "--page-size", "0"},
                   "--page-size");
  ExpectUsageError(
      {"message", "list", "--room", "a", "--before", "x", "--after", "y"},
      "excludes");
  ExpectUsageError({"message", "send", "--room", "a", "--text", "\xff"},
                   "is no UTF-8");
  ExpectUsageError({"watch", "--topics", "status,weather"}, "weather");
  ExpectUsageError({"status", "--socket", ""}, "the path is empty");
}

TEST(CliTest, ExplainsProfilesWithoutASocket) {
  CliRunner runner;
  RunResult result = runner.Run({"status"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("XDG_RUNTIME_DIR"),
                                HasSubstr("--socket")));
  runner.environment["XDG_RUNTIME_DIR"] = "/nonexistent";
  result = runner.Run({"status", "--profile", "../up"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("no profile's name")));
  result = runner.Run({"status", "--socket", std::string(200, 'x')});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("200 bytes")));
}

TEST(CliTest, ExplainsWhyTheDaemonIsNotReached) {
  const client::TempDir dir;
  CliRunner runner;
  runner.environment["XDG_RUNTIME_DIR"] = dir.path();
  RunResult result = runner.Run({"status", "--profile", "work"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err,
              AllOf(IsOneLine(), HasSubstr("/parley/work.sock"),
                    HasSubstr("start it with 'parleyd --profile work'")));

  const std::string path = dir.path() + "/s";
  result = runner.Run({"status", "--socket", path});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("no socket at"),
                                HasSubstr("start it with 'parleyd'")));

  std::ofstream(path) << "a file";
  result = runner.Run({"status", "--socket", path});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("is no socket")));
}

TEST(CliTest, TellsADeadSocketFromNone) {
  const client::TempDir dir;
  const std::string path = dir.path() + "/s";
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
      0);
  close(fd);
  const RunResult result = CliRunner(path).Run({"status"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(IsOneLine(), HasSubstr("nobody listens"),
                                HasSubstr("start it with")));
}

TEST(CliTest, GivesUpOnADaemonThatSaysNothing) {
  const client::TempDir dir;
  const std::string path = dir.path() + "/s";
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(
      bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
      0);
  ASSERT_EQ(listen(fd, 5), 0);
  const RunResult result = CliRunner(path).Run({"status", "--timeout", "50ms"});
  close(fd);
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err,
              AllOf(IsOneLine(), HasSubstr("no answer within 50ms")));
}

TEST(CliTest, TakesGlobalOptionsBeforeAndAfterTheVerb) {
  const FakeDaemon daemon(StatusOnly());
  const std::string& socket = daemon.socket_path();
  const CliRunner runner;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--json", "--socket", socket, "status"},
           {"status", "--json", "--socket", socket},
           {"--socket=" + socket, "status", "--output=json"},
           {"--output", "jsonl", "status", "--timeout", "5s", "--socket",
            socket}}) {
    const RunResult result = runner.Run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.OneJson()["status"]["pid"], 42);
  }
}

TEST(CliTest, FindsTheDaemonOfAProfile) {
  const client::TempDir dir;
  ASSERT_EQ(mkdir((dir.path() + "/parley").c_str(), 0700), 0);
  const FakeDaemon daemon(StatusOnly(), dir.path() + "/parley/work.sock");
  CliRunner runner;
  runner.environment["XDG_RUNTIME_DIR"] = dir.path();
  EXPECT_EQ(runner.Run({"--profile", "work", "status"}).code, 0);
}

TEST(CliTest, HelpGoesToStdoutWithAnExample) {
  const CliRunner runner;
  RunResult result = runner.Run({"--help"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(HasSubstr("outbox"), HasSubstr("--timeout"),
                                HasSubstr("Exit codes")));
  const std::vector<std::vector<std::string>> verbs = {
      {"status"},          {"connect"},         {"disconnect"},
      {"health"},          {"watch"},           {"room", "join"},
      {"room", "leave"},   {"room", "list"},    {"room", "show"},
      {"message", "send"}, {"message", "list"}, {"outbox", "list"},
      {"outbox", "show"},  {"outbox", "retry"}, {"outbox", "cancel"},
      {"outbox", "flush"}, {"sync", "now"},     {"sync", "state"},
      {"sync", "cancel"},
  };
  for (std::vector<std::string> arguments : verbs) {
    const std::string example = "parleyctl " + arguments.front();
    arguments.push_back("--help");
    result = runner.Run(arguments);
    EXPECT_EQ(result.code, 0) << example;
    EXPECT_EQ(result.err, "") << example;
    EXPECT_THAT(result.out, AllOf(HasSubstr("Example:"), HasSubstr(example),
                                  Not(HasSubstr("Excludes"))));
  }
}

TEST(CliTest, TellsItsVersion) {
  const RunResult result = CliRunner().Run({"--version"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(StartsWith("parleyctl "), EndsWith("\n")));
  EXPECT_EQ(result.err, "");
}

TEST(CliTest, ColoursATerminalOnly) {
  const FakeDaemon daemon(StatusOnly());
  CliRunner runner(daemon);
  runner.environment["TERM"] = "xterm";
  EXPECT_THAT(runner.Run({"status"}).out, Not(HasSubstr("\x1b[")));
  runner.out_is_terminal = true;
  EXPECT_THAT(runner.Run({"status"}).out, HasSubstr("\x1b["));
  EXPECT_THAT(runner.Run({"status", "--json"}).out, Not(HasSubstr("\x1b[")));
  runner.environment["NO_COLOR"] = "1";
  EXPECT_THAT(runner.Run({"status"}).out, Not(HasSubstr("\x1b[")));
  runner.environment = {{"TERM", "dumb"}};
  EXPECT_THAT(runner.Run({"status"}).out, Not(HasSubstr("\x1b[")));
}

TEST(CliTest, SaysThatStdoutIsGone) {
  const FakeDaemon daemon(StatusOnly());
  std::istringstream in;
  std::ostringstream err;
  std::ofstream full("/dev/full");
  Environment environment;
  environment.in = &in;
  environment.out = &full;
  environment.err = &err;
  environment.getenv = [](const std::string&) { return ""; };
  EXPECT_EQ(cli::Run({"status", "--json", "--socket", daemon.socket_path()},
                     environment),
            1);
  EXPECT_THAT(err.str(), AllOf(IsOneLine(), HasSubstr("write to stdout")));
}

}  // namespace
}  // namespace parley::cli
