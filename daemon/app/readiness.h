#ifndef DAEMON_APP_READINESS_H_
#define DAEMON_APP_READINESS_H_

#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "daemon/base/mutex.h"

namespace parley::app {

// Tells whoever started the daemon how it is: systemd, by its notify protocol
// when $NOTIFY_SOCKET is set, and whoever holds the other end of --ready-fd.
// Thread-safe.
class Readiness {
 public:
  explicit Readiness(std::optional<int> ready_fd) : ready_fd_(ready_fd) {}
  ~Readiness();

  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Clients are served. Only the first call does something.
  void Serving();
  // One line for `systemctl status`. May block for as long as systemd does not
  // read.
  void Status(const std::string& text);
  // It ends, on purpose.
  void Stopping();

 private:
  base::Mutex mutex_;
  std::optional<int> ready_fd_ ABSL_GUARDED_BY(mutex_);
};

// While it lives, asks systemd for patience again and again: what is going on
// may take longer than a start should. Not for ever: a start that hangs is to
// fail in the end.
class PatienceRequest {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(10);
  static constexpr absl::Duration kLimit = absl::Minutes(30);

  PatienceRequest();
  ~PatienceRequest();

  PatienceRequest(const PatienceRequest&) = delete;
  PatienceRequest& operator=(const PatienceRequest&) = delete;

 private:
  void Run();

  base::Mutex mutex_;
  base::CondVar changed_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_READINESS_H_
