#include "daemon/app/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/logging.h"

namespace parley::app {
namespace {

// Each client connection takes two, RocksDB a few dozen.
constexpr rlim_t kWantedFiles = 4096;

void RaiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(kWantedFiles, limit.rlim_max);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    base::logging::Warning("cannot raise the limit of open files",
                           {{"error", strerror(errno)}});
  }
}

// A service manager may have set the limits, and forbidden to change them: each
// is touched only where it is not right already.
void SwitchCoreDumpsOff() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    base::logging::Warning("cannot keep debuggers of the user out",
                           {{"error", strerror(errno)}});
  }
  rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0) return;
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) {
    base::logging::Warning("cannot switch core dumps off",
                           {{"error", strerror(errno)}});
  }
}

void OpenStandardFiles() {
  // The lowest number that is free is given: all below are open.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);
  }
}

}  // namespace

void HardenProcess() {
  OpenStandardFiles();
  umask(077);
  SwitchCoreDumpsOff();
  signal(SIGPIPE, SIG_IGN);
  RaiseFileLimit();
}

absl::StatusOr<StopSignals> StopSignals::Install() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&signals, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  const int request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  StopSignals result(signal_fd, request_fd);
  if (signal_fd < 0 || request_fd < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot wait for signals: ", strerror(errno)));
  }
  return result;
}

StopSignals::StopSignals(StopSignals&& other) noexcept
    : signal_fd_(std::exchange(other.signal_fd_, -1)),
      request_fd_(std::exchange(other.request_fd_, -1)) {}

StopSignals::~StopSignals() {
  if (signal_fd_ >= 0) close(signal_fd_);
  if (request_fd_ >= 0) close(request_fd_);
}

void StopSignals::Request() {
  const uint64_t one = 1;
  // A counter that is full has been asked often enough.
  if (write(request_fd_, &one, sizeof(one)) < 0) return;
}

StopCause StopSignals::Wait() {
  while (true) {
    pollfd pollers[] = {{signal_fd_, POLLIN, 0}, {request_fd_, POLLIN, 0}};
    if (poll(pollers, 2, -1) < 0 && errno != EINTR) {
      return StopCause::kRequest;
    }
    if (pollers[1].revents != 0) return StopCause::kRequest;
    signalfd_siginfo info;
    if (read(signal_fd_, &info, sizeof(info)) != sizeof(info)) continue;
    if (info.ssi_signo != SIGHUP) return StopCause::kSignal;
    base::logging::Info(
        "SIGHUP does nothing; restart to take a new "
        "configuration");
  }
}

}  // namespace parley::app
