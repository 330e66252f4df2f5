#include "daemon/app/readiness.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "daemon/base/logging.h"

namespace parley::app {
namespace {

void Notify(const std::string& state) {
  // Not being under systemd is no error; it is then not even an attempt.
  const int result = sd_notify(/*unset_environment=*/0, state.c_str());
  if (result < 0) {
    base::logging::Debug("cannot notify systemd",
                         {{"error", strerror(-result)}});
  }
}

}  // namespace

Readiness::~Readiness() {
  base::MutexLock lock(&mutex_);
  if (ready_fd_.has_value()) close(*ready_fd_);
}

void Readiness::Serving() {
  Notify("READY=1");
  base::MutexLock lock(&mutex_);
  if (!ready_fd_.has_value()) return;
  if (write(*ready_fd_, "1\n", 2) != 2) {
    base::logging::Warning("cannot write to the descriptor of --ready-fd",
                           {{"error", strerror(errno)}});
  }
  close(*ready_fd_);
  ready_fd_.reset();
}

void Readiness::Status(const std::string& text) {
  Notify(absl::StrCat("STATUS=", absl::StrReplaceAll(text, {{"\n", " "}})));
}

void Readiness::Stopping() { Notify("STOPPING=1"); }

PatienceRequest::PatienceRequest() {
  if (getenv("NOTIFY_SOCKET") == nullptr) return;
  thread_ = std::thread([this] { Run(); });
}

PatienceRequest::~PatienceRequest() {
  {
    base::MutexLock lock(&mutex_);
    done_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void PatienceRequest::Run() {
  const std::string extend = absl::StrCat(
      "EXTEND_TIMEOUT_USEC=", absl::ToInt64Microseconds(3 * kInterval));
  absl::Duration asked;
  base::MutexLock lock(&mutex_);
  while (!done_ && asked < kLimit) {
    Notify(extend);
    changed_.WaitFor(&mutex_, kInterval);
    asked += kInterval;
  }
}

}  // namespace parley::app
