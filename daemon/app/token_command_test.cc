#include "daemon/app/token_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJwt[] =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLWNhbmFyeQ";

TokenCommand::Options Script(const std::string& script) {
  TokenCommand::Options options;
  options.arguments = {"/bin/sh", "-c", script};
  options.environment = {{"PATH", "/usr/bin:/bin"},
                         {"FOLDER", ::testing::TempDir()}};
  options.deadline = absl::Minutes(1);
  return options;
}

std::string TokenOf(TokenCommand::Options options) {
  const auto token = TokenCommand(std::move(options)).Run();
  return token.ok() ? std::string(token->Reveal())
                    : std::string(token.status().message());
}

std::string ErrorOf(TokenCommand::Options options) {
  const auto token = TokenCommand(std::move(options)).Run();
  EXPECT_EQ(token.status().code(), absl::StatusCode::kFailedPrecondition);
  return std::string(token.status().message());
}

// What the command says in a file of the test's, once it has said it.
class Pipe {
 public:
  explicit Pipe(const std::string& name)
      : path_(::testing::TempDir() + "/" + name) {
    remove(path_.c_str());
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0) << path_;
    // Open for writing too: nobody waits for the other side.
    fd_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_GE(fd_, 0) << path_;
  }
  ~Pipe() { close(fd_); }

  int ReadPid() {
    std::string line;
    char c = 0;
    pollfd readable = {fd_, POLLIN, 0};
    while (poll(&readable, 1, kPatienceMs) == 1 && read(fd_, &c, 1) == 1) {
      if (c == '\n') break;
      line += c;
    }
    int pid = 0;
    EXPECT_TRUE(absl::SimpleAtoi(line, &pid)) << path_ << ": " << line;
    return pid;
  }

 private:
  static constexpr int kPatienceMs = 60 * 1000;

  const std::string path_;
  int fd_ = -1;
};

// Dead, or killed and waiting for whoever inherited it.
bool EndsSoon(int pid) {
  const int process =
      static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
  if (process < 0) return errno == ESRCH;
  pollfd ended = {process, POLLIN, 0};
  const bool ends = poll(&ended, 1, 60 * 1000) == 1;
  close(process);
  return ends;
}

TEST(TokenCommandTest, TakesWhatItPrints) {
  EXPECT_EQ(TokenOf(Script("echo '  a.b.c  '; echo unimportant >&2")), "a.b.c");
}

TEST(TokenCommandTest, LooksForTheProgramInThePath) {
  TokenCommand::Options options;
  options.arguments = {"printf", "%s", "token"};
  EXPECT_EQ(TokenOf(options), "token");
}

TEST(TokenCommandTest, NoShellSeesTheArguments) {
  TokenCommand::Options options;
  options.arguments = {"printf", "%s", "$HOME;`id`"};
  EXPECT_EQ(TokenOf(options), "$HOME;`id`");
}

TEST(TokenCommandTest, GivesItAnEnvironmentAndNothingElse) {
  TokenCommand::Options options = Script("echo $PARLEY_PROFILE-$HOME-");
  options.environment["PARLEY_PROFILE"] = "work";
  EXPECT_EQ(TokenOf(options), "work--");

  // Not one of the descriptors that others forgot to close.
  const int leaked = open("/dev/null", O_RDONLY);
  ASSERT_GE(leaked, 3);
  EXPECT_EQ(TokenOf(Script("test -e /proc/self/fd/" + std::to_string(leaked) +
                           " && echo leaked || echo closed")),
            "closed");
  close(leaked);
  EXPECT_EQ(TokenOf(Script("cat; echo end-of-stdin")), "end-of-stdin");

  // A group of its own, and no signal blocked or ignored.
  EXPECT_EQ(TokenOf(Script("test $(ps -o pgid= -p $$) = $$ && echo own")),
            "own");
  sigset_t blocked, before;
  sigfillset(&blocked);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old_handler = signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(TokenOf(Script("grep SigBlk: /proc/self/status | tr -d '\\t\\n'")),
            "SigBlk:0000000000000000");
  EXPECT_THAT(ErrorOf(Script("kill -PIPE $$; echo survived")),
              HasSubstr("by signal 13"));
  signal(SIGPIPE, old_handler);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(TokenCommandTest, SaysWhyThereIsNone) {
  EXPECT_EQ(ErrorOf(Script("echo first >&2; echo 'not logged in' >&2; exit 3")),
            "token_command /bin/sh gave no token: it ended with exit code 3: "
            "not logged in");
  EXPECT_THAT(ErrorOf(Script("exit 1")), HasSubstr("with exit code 1"));
  EXPECT_THAT(ErrorOf(Script("kill -TERM $$")), HasSubstr("by signal 15"));
  EXPECT_EQ(ErrorOf(Script("true")),
            "there is no token: what /bin/sh printed is empty");
  EXPECT_THAT(ErrorOf(Script("echo secret words")),
              AllOf(HasSubstr("one word"), Not(HasSubstr("secret"))));
  TokenCommand::Options missing;
  missing.arguments = {"/nonexistent/program"};
  EXPECT_EQ(ErrorOf(missing),
            "token_command /nonexistent/program gave no token: it cannot be "
            "run: No such file or directory");
}

TEST(TokenCommandTest, LimitsWhatItPrints) {
  EXPECT_EQ(TokenOf(Script("head -c 65536 /dev/zero | tr '\\0' x")).size(),
            kMaxTokenBytes);
  EXPECT_THAT(ErrorOf(Script("head -c 65537 /dev/zero | tr '\\0' x")),
              HasSubstr("more than the 65536 bytes"));
  EXPECT_THAT(ErrorOf(Script("yes")), HasSubstr("more than the 65536 bytes"));
}

TEST(TokenCommandTest, EndsItAtTheDeadline) {
  for (const char* script : {"sleep 600", "exec >&- 2>&-; sleep 600", "yes >&2",
                             "trap '' TERM; while true; do sleep 600; done"}) {
    TokenCommand::Options options = Script(script);
    options.deadline = absl::Milliseconds(300);
    EXPECT_THAT(ErrorOf(options), HasSubstr("it took longer than 300ms"))
        << script;
  }
}

TEST(TokenCommandTest, KillsWhatItStartedToo) {
  Pipe left("left");
  Pipe killed("killed");
  TokenCommand::Options options =
      Script("sleep 600 & echo $! >$FOLDER/left; echo token");
  // Holds the pipes open, but the program itself has ended.
  EXPECT_EQ(TokenOf(options), "token");
  EXPECT_TRUE(EndsSoon(left.ReadPid()));

  options = Script("sleep 600 & echo $! >$FOLDER/killed; wait");
  options.deadline = absl::Seconds(2);
  EXPECT_THAT(ErrorOf(options), HasSubstr("it took longer than 2s"));
  EXPECT_TRUE(EndsSoon(killed.ReadPid()));
}

TEST(TokenCommandTest, EndsWhenItIsCancelled) {
  Pipe started("cancelled");
  TokenCommand command(Script("echo $$ >$FOLDER/cancelled; sleep 600"));
  absl::Status status;
  std::thread runner([&] { status = command.Run().status(); });
  const int pid = started.ReadPid();
  command.Cancel();
  runner.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(kill(pid, 0), -1);
  // And so do later ones.
  EXPECT_EQ(command.Run().status().code(), absl::StatusCode::kUnavailable);
}

TEST(TokenCommandTest, NeverRepeatsAToken) {
  const std::string token = "opaque+token/with=signs==";
  EXPECT_THAT(ErrorOf(Script("echo " + token + "; echo 'sent " + token +
                             "' >&2; exit 1")),
              AllOf(HasSubstr("sent [redacted]"), Not(HasSubstr("opaque"))));
  EXPECT_THAT(
      ErrorOf(Script(std::string("echo '+ echo ") + kJwt + "' >&2; exit 1")),
      AllOf(HasSubstr("+ echo [redacted]"), Not(HasSubstr("eyJ"))));
}

TEST(LastWordsTest, AreFitForALog) {
  const base::Secret none;
  EXPECT_EQ(LastWords("  bad\tthing \x1b[31m\r", none), "bad?thing ?[31m");
  EXPECT_EQ(LastWords(std::string("token=\"") + kJwt + "\";", none),
            "token=\"[redacted]\";");
  EXPECT_EQ(LastWords("release 1.2.3 of parley.example.com", none),
            "release 1.2.3 of parley.example.com");
  EXPECT_EQ(LastWords(std::string(500, 'x'), none).size(), 200u);
  // One that would be cut is not told in part.
  EXPECT_EQ(LastWords(std::string(190, 'x') + " " + kJwt, none),
            std::string(190, 'x') + " [redacted");
  EXPECT_EQ(LastWords("", none), "");
  for (const char* mark : {".", "!", "|", "`", "@", "\x1b", ".eA.eQ"}) {
    EXPECT_THAT(LastWords(std::string("refused: ") + kJwt + mark, none),
                Not(HasSubstr("c2lnbmF0dXJl")))
        << mark;
  }
}

}  // namespace
}  // namespace parley::app
