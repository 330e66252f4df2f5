#ifndef DAEMON_APP_PROCESS_H_
#define DAEMON_APP_PROCESS_H_

#include "absl/status/statusor.h"

namespace parley::app {

// Makes this process one that keeps secrets: no core dump, no debugger of other
// processes of the user, no file that others can read. Also ignores SIGPIPE,
// raises the limit of open files to what the clients may need, and opens what
// is closed of stdin, stdout and stderr, so that no file of ours gets what is
// written there.
void HardenProcess();

// Why the daemon is to end.
enum class StopCause { kSignal, kRequest };

// Signals as something to wait for, and a way for other threads to ask for the
// end. SIGTERM and SIGINT end the daemon; SIGHUP is reserved: it is logged.
class StopSignals {
 public:
  // Blocks the signals in the calling thread, and in those that it starts:
  // before any other thread exists.
  static absl::StatusOr<StopSignals> Install();

  StopSignals(StopSignals&& other) noexcept;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();

  // Waits until the daemon is to end. One thread.
  StopCause Wait();
  // From any thread.
  void Request();

 private:
  StopSignals(int signal_fd, int request_fd)
      : signal_fd_(signal_fd), request_fd_(request_fd) {}

  int signal_fd_;
  int request_fd_;
};

}  // namespace parley::app

#endif  // DAEMON_APP_PROCESS_H_
