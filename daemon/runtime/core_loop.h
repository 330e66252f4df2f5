#ifndef DAEMON_RUNTIME_CORE_LOOP_H_
#define DAEMON_RUNTIME_CORE_LOOP_H_

#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/engine_host.h"
#include "daemon/runtime/mailbox.h"
#include "daemon/runtime/timer_queue.h"

namespace parley::runtime {

// The core thread. Sleeps until there is mail or a timer is due, and for
// nothing else; then has the host handle it.
//
//   RUNNING --Stop--> DRAINING --host idle, or the deadline--> (ended)
class CoreLoop {
 public:
  struct Options {
    // On the core thread: the store went down, or is up again.
    std::function<void(const absl::Status&)> on_store_status;
  };

  // All must outlive the loop. The host was started; from now on it belongs to
  // the core thread, as do the timers.
  CoreLoop(const Options& options, EngineHost* host, Mailbox* mailbox,
           TimerQueue* timers, const Clock* clock);
  ~CoreLoop();

  CoreLoop(const CoreLoop&) = delete;
  CoreLoop& operator=(const CoreLoop&) = delete;

  void Start();

  // Closes the mailbox, handles what is in it, waits until all that was told
  // is on the disk, and ends the thread. False when that took longer than
  // `deadline`: a disk that does not answer.
  bool Stop(absl::Duration deadline);

 private:
  void Run();
  void FireTimers();
  void Handle(Mail mail);
  void ReportStore();
  // What the loop may sleep for.
  absl::Duration NextTimeout() const;
  // While stopping. True when the loop can end.
  bool Drained();

  const Options options_;
  EngineHost* const host_;
  Mailbox* const mailbox_;
  TimerQueue* const timers_;
  const Clock* const clock_;

  absl::Status reported_store_;
  // Written before the mailbox is closed, read after it was seen closed.
  absl::Duration stop_within_;
  base::MonotonicTime stop_at_ = base::MonotonicTime::InfiniteFuture();
  bool drained_ = false;
  std::thread thread_;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_CORE_LOOP_H_
