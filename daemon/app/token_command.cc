#include "daemon/app/token_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"

namespace parley::app {
namespace {

// How much of a program's words is told.
constexpr size_t kMaxLastWords = 200;
constexpr char kRedacted[] = "[redacted]";

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void Reset(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A pipe of which only our end does not block.
bool MakePipe(Fd* ours, Fd* theirs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  ours->Reset(ends[0]);
  theirs->Reset(ends[1]);
  return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

// Takes what can be read at once, but no more than a pipe holds: a program that
// writes without end is not waited for. False: no more will come, or is wanted.
template <typename Take>
bool Drain(int fd, Take take) {
  constexpr size_t kPipeBytes = 64 * 1024;
  char buffer[4096];
  bool open = true;
  for (size_t total = 0; open && total < kPipeBytes;) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    open = got > 0 && take(absl::string_view(buffer, got));
    if (open) total += static_cast<size_t>(got);
  }
  explicit_bzero(buffer, sizeof(buffer));
  return open;
}

// What the program prints; wiped from memory in the end.
class TokenBuffer {
 public:
  ~TokenBuffer() { explicit_bzero(bytes_.get(), kMaxTokenBytes); }
  // False, and nothing taken, when that is more than a token can have.
  bool Append(absl::string_view more) {
    if (more.size() > kMaxTokenBytes - size_) {
      overflowed_ = true;
      return false;
    }
    std::copy(more.begin(), more.end(), bytes_.get() + size_);
    size_ += more.size();
    return true;
  }
  absl::string_view text() const { return {bytes_.get(), size_}; }
  bool overflowed() const { return overflowed_; }

 private:
  const std::unique_ptr<char[]> bytes_ =
      std::make_unique<char[]>(kMaxTokenBytes);
  size_t size_ = 0;
  bool overflowed_ = false;
};

// The last line of what the program writes to stderr. Its beginning is kept, as
// much as may be told and a token more, so that one in it is seen whole.
class LastLine {
 public:
  ~LastLine() { explicit_bzero(&line_[0], line_.size()); }
  void Append(absl::string_view more) {
    for (const char c : more) {
      if (c == '\n') {
        ended_ = true;
        continue;
      }
      if (std::exchange(ended_, false)) line_.clear();
      if (line_.size() < kMaxLastWords + kMaxTokenBytes) line_.push_back(c);
    }
  }
  const std::string& line() const { return line_; }

 private:
  std::string line_;
  bool ended_ = false;
};

// The program while it runs; killed, with all that it started, and reaped when
// this ends. Until it is reaped its process group cannot be another's.
class Child {
 public:
  ~Child() {
    if (pid_ > 0) Reap();
  }

  // Zero, or an errno. Takes the write ends of the pipes.
  int Start(const TokenCommand::Options& options, int stdout_fd, int stderr_fd);
  int exit_fd() const { return exit_fd_.get(); }
  // Kills what is left of its group; returns how waitpid says it ended.
  int Reap() {
    kill(-pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  Fd exit_fd_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

int Child::Start(const TokenCommand::Options& options, int stdout_fd,
                 int stderr_fd) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // Not closed: the program's first file would become its stdin.
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, stdout_fd, 1);
  posix_spawn_file_actions_adddup2(&files, stderr_fd, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  // Threads of ours block the signals of the daemon, and SIGPIPE is ignored:
  // neither is what a program expects.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                            POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);

  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) {
    variables.push_back(absl::StrCat(name, "=", value));
  }
  const int error = posix_spawnp(
      &pid_, options.arguments[0].c_str(), &files, &attributes,
      Pointers(options.arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    pid_ = -1;
    return error;
  }
  // By number: glibc 2.36 declares the function for C alone.
  exit_fd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  return exit_fd_.get() >= 0 ? 0 : errno;
}

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
}

// Parts of base64url with dots between them, one of them the start of a JSON
// object, or two of them longer than a host's names are: a signed or encrypted
// token, whole or cut, with or without the full stop of a sentence.
bool LooksLikeJwt(absl::string_view run) {
  int long_parts = 0;
  for (const absl::string_view part : absl::StrSplit(run, '.')) {
    if (absl::StartsWith(part, "eyJ")) return true;
    if (part.size() >= 16) ++long_parts;
  }
  return long_parts >= 2;
}

}  // namespace

std::string LastWords(absl::string_view line, const base::Secret& token) {
  std::string text(absl::StripAsciiWhitespace(line));
  if (!token.empty()) {
    text = absl::StrReplaceAll(text, {{token.Reveal(), kRedacted}});
  }
  std::string words;
  absl::string_view rest = text;
  while (!rest.empty() && words.size() < kMaxLastWords) {
    const size_t size = static_cast<size_t>(
        std::find_if_not(rest.begin(), rest.end(), IsTokenCharacter) -
        rest.begin());
    const absl::string_view run = rest.substr(0, size);
    absl::StrAppend(&words, LooksLikeJwt(run) ? kRedacted : run,
                    rest.substr(size, 1));
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  if (words.size() > kMaxLastWords) words.resize(kMaxLastWords);
  for (char& c : words) {
    if (!absl::ascii_isprint(c)) c = '?';
  }
  return words;
}

TokenCommand::TokenCommand(Options options)
    : options_(std::move(options)),
      cancel_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PARLEY_CHECK(!options_.arguments.empty());
}

TokenCommand::~TokenCommand() {
  if (cancel_fd_ >= 0) close(cancel_fd_);
}

void TokenCommand::Cancel() {
  const uint64_t one = 1;
  // A counter that is full has been asked often enough.
  if (write(cancel_fd_, &one, sizeof(one)) < 0) return;
}

absl::Status TokenCommand::Failed(absl::string_view what) const {
  return absl::FailedPreconditionError(absl::StrCat(
      "token_command ", options_.arguments[0], " gave no token: ", what));
}

absl::StatusOr<base::Secret> TokenCommand::Run() {
  Fd out, out_theirs, err, err_theirs;
  if (cancel_fd_ < 0 || !MakePipe(&out, &out_theirs) ||
      !MakePipe(&err, &err_theirs)) {
    return Failed("there are too many open files");
  }
  // Neither a clock that is set nor a sleep of the device is its fault.
  const auto end = std::chrono::steady_clock::now() +
                   absl::ToChronoMilliseconds(options_.deadline);
  Child child;
  if (const int error =
          child.Start(options_, out_theirs.get(), err_theirs.get());
      error != 0) {
    return Failed(absl::StrCat("it cannot be run: ", strerror(error)));
  }
  out_theirs.Close();
  err_theirs.Close();

  TokenBuffer output;
  LastLine errors;
  const auto read_pipes = [&] {
    const auto take_output = [&](absl::string_view more) {
      return output.Append(more);
    };
    const auto take_errors = [&](absl::string_view more) {
      errors.Append(more);
      return true;
    };
    if (out.get() >= 0 && !Drain(out.get(), take_output)) out.Close();
    if (err.get() >= 0 && !Drain(err.get(), take_errors)) err.Close();
  };
  // Its end counts, not that of the pipes: what it left in the background may
  // hold them open.
  bool exited = false;
  while (!exited && !output.overflowed()) {
    const absl::Duration left =
        absl::FromChrono(end - std::chrono::steady_clock::now());
    if (left <= absl::ZeroDuration()) {
      return Failed(absl::StrCat("it took longer than ",
                                 absl::FormatDuration(options_.deadline),
                                 " and was killed"));
    }
    pollfd pollers[] = {{cancel_fd_, POLLIN, 0},
                        {child.exit_fd(), POLLIN, 0},
                        {out.get(), POLLIN, 0},
                        {err.get(), POLLIN, 0}};
    const int wait = static_cast<int>(absl::ToInt64Milliseconds(left)) + 1;
    if (poll(pollers, 4, wait) < 0 && errno != EINTR) {
      return Failed(absl::StrCat("cannot wait for it: ", strerror(errno)));
    }
    if (pollers[0].revents != 0) {
      return absl::UnavailableError("the daemon is stopping");
    }
    exited = pollers[1].revents != 0;
    read_pipes();
  }
  if (output.overflowed()) {
    return Failed(absl::StrCat("it printed more than the ", kMaxTokenBytes,
                               " bytes that a token may have"));
  }
  return Judge(child.Reap(), output.text(), errors.line());
}

absl::StatusOr<base::Secret> TokenCommand::Judge(
    int status, absl::string_view output, absl::string_view last_line) const {
  absl::StatusOr<base::Secret> token = ParseToken(
      output, absl::StrCat("what ", options_.arguments[0], " printed"));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return token;
  const std::string how =
      WIFEXITED(status)
          ? absl::StrCat("it ended with exit code ", WEXITSTATUS(status))
          : absl::StrCat("it was ended by signal ", WTERMSIG(status));
  const std::string words =
      LastWords(last_line, token.ok() ? *token : base::Secret());
  return Failed(words.empty() ? how : absl::StrCat(how, ": ", words));
}

}  // namespace parley::app
