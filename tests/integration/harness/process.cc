#include "tests/integration/harness/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace parley::integration {
namespace {

// Where a child finds its ready descriptor.
constexpr int kReadyFd = 3;

// A descriptor that is closed with its scope.
class ScopedFd {
 public:
  explicit ScopedFd(int fd = -1) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) close(fd_);
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// An unnamed file in memory, so that no pipe can fill up.
int MemoryFile(const std::string& content) {
  const int fd = memfd_create("parley-test", MFD_CLOEXEC);
  if (fd < 0) return fd;
  if (write(fd, content.data(), content.size()) !=
          static_cast<ssize_t>(content.size()) ||
      lseek(fd, 0, SEEK_SET) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::string ReadFromStart(int fd) {
  std::string text;
  char buffer[4096];
  off_t offset = 0;
  ssize_t count;
  while ((count = pread(fd, buffer, sizeof(buffer), offset)) > 0) {
    text.append(buffer, count);
    offset += count;
  }
  return text;
}

// Starts a child with these descriptors as 0, 1, 2 and, unless it is -1, 3.
absl::StatusOr<pid_t> Spawn(const CommandLine& command, int in, int out,
                            int err, int ready) {
  std::vector<std::string> arguments = command.arguments;
  for (std::string& argument : arguments) {
    argument =
        absl::StrReplaceAll(argument, {{"{ready_fd}", absl::StrCat(kReadyFd)}});
  }
  std::vector<std::string> environment = command.environment;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Moved out of the way first, as targets may be among the sources. What is
  // opened with O_CLOEXEC is not inherited; a duplicate is.
  const int sources[] = {in, out, err, ready};
  const int count = ready < 0 ? 3 : 4;
  for (int i = 0; i < count; ++i) {
    posix_spawn_file_actions_adddup2(&actions, sources[i], 100 + i);
  }
  for (int i = 0; i < count; ++i) {
    posix_spawn_file_actions_adddup2(&actions, 100 + i, i);
    posix_spawn_file_actions_addclose(&actions, 100 + i);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // gRPC's and the test's own masks and handlers stay here.
  sigset_t none;
  sigemptyset(&none);
  sigset_t restored;
  sigemptyset(&restored);
  sigaddset(&restored, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &restored);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, arguments[0].c_str(), &actions, &attributes,
                  Pointers(arguments).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::InternalError(
        absl::StrCat("cannot start ", arguments[0], ": ", strerror(error)));
  }
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(
    const CommandLine& command, const std::string& stdout_path,
    const std::string& stderr_path, bool ready_fd) {
  constexpr int kLogFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const ScopedFd in(MemoryFile(command.stdin_text));
  const ScopedFd out(open(stdout_path.c_str(), kLogFlags, 0600));
  const ScopedFd err(open(stderr_path.c_str(), kLogFlags, 0600));
  if (in.get() < 0 || out.get() < 0 || err.get() < 0) {
    return absl::InternalError(
        absl::StrCat("cannot open ", stdout_path, " or ", stderr_path));
  }
  int pipe_fds[2] = {-1, -1};
  if (ready_fd && pipe2(pipe_fds, O_CLOEXEC) != 0) {
    return absl::InternalError("cannot make a pipe");
  }
  ScopedFd reader(pipe_fds[0]);
  const ScopedFd writer(pipe_fds[1]);
  const absl::StatusOr<pid_t> pid =
      Spawn(command, in.get(), out.get(), err.get(), writer.get());
  if (!pid.ok()) return pid.status();
  // The constructor is private.
  return std::unique_ptr<Process>(new Process(*pid, reader.release()));
}

Process::~Process() {
  Kill();
  if (ready_fd_ >= 0) close(ready_fd_);
}

bool Process::IsRunning() {
  if (exit_status_.has_value()) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_status_ =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

void Process::Signal(int signal) {
  // A pid that was not reaped is not used again.
  if (IsRunning()) kill(pid_, signal);
}

std::optional<ExitStatus> Process::WaitForExit(absl::Duration timeout) {
  WaitFor([this] { return !IsRunning(); }, timeout);
  return exit_status_;
}

void Process::Kill() {
  if (!IsRunning()) return;
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_status_ = 128 + SIGKILL;
}

bool Process::WaitReady(absl::Duration timeout) {
  if (ready_fd_ < 0) return false;
  pollfd event = {ready_fd_, POLLIN, 0};
  const absl::Time deadline = absl::Now() + timeout;
  int found;
  do {
    const auto left = absl::ToInt64Milliseconds(deadline - absl::Now());
    found = poll(&event, 1, static_cast<int>(left > 0 ? left : 0));
  } while (found < 0 && errno == EINTR);
  char byte;
  return found == 1 && read(ready_fd_, &byte, 1) == 1;
}

absl::StatusOr<RunResult> RunToEnd(const CommandLine& command,
                                   absl::Duration timeout) {
  const ScopedFd in(MemoryFile(command.stdin_text));
  const ScopedFd out(MemoryFile(""));
  const ScopedFd err(MemoryFile(""));
  if (in.get() < 0 || out.get() < 0 || err.get() < 0) {
    return absl::InternalError("cannot make a file in memory");
  }
  const absl::StatusOr<pid_t> pid =
      Spawn(command, in.get(), out.get(), err.get(), -1);
  if (!pid.ok()) return pid.status();
  int status = 0;
  if (!WaitFor([&] { return waitpid(*pid, &status, WNOHANG) == *pid; },
               timeout)) {
    kill(*pid, SIGKILL);
    waitpid(*pid, &status, 0);
    return absl::DeadlineExceededError(
        absl::StrCat(command.arguments[0], " did not end in time; it said: ",
                     ReadFromStart(out.get()), ReadFromStart(err.get())));
  }
  RunResult result;
  result.code =
      WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.out = ReadFromStart(out.get());
  result.err = ReadFromStart(err.get());
  return result;
}

std::string ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace parley::integration
