#ifndef TESTS_INTEGRATION_HARNESS_PROCESS_H_
#define TESTS_INTEGRATION_HARNESS_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/integration/harness/wait_for.h"

namespace parley::integration {

// A program to run.
struct CommandLine {
  std::vector<std::string> arguments;  // the program's path first
  // The whole environment: a test must not depend on the caller's.
  // "NAME=value".
  std::vector<std::string> environment;
  std::string stdin_text;  // then the end
};

// How a process ended: an exit code, or 128 and the signal as a shell has it.
using ExitStatus = int;

// A child process. Whoever drops one that runs kills it.
//
//   RUNNING --- exits, or is killed ---> ENDED (reaped by the first that asks)
class Process {
 public:
  // Output goes to the files, which are appended to. With `ready_fd`, the
  // argument "{ready_fd}" becomes the number of a descriptor that WaitReady
  // listens to.
  static absl::StatusOr<std::unique_ptr<Process>> Start(
      const CommandLine& command, const std::string& stdout_path,
      const std::string& stderr_path, bool ready_fd = false);

  ~Process();

  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }

  bool IsRunning();

  // Sends a signal; nothing happens to a process that has ended.
  void Signal(int signal);

  // Waits for the end. None: it did not come in time.
  std::optional<ExitStatus> WaitForExit(absl::Duration timeout = kPatience);

  // SIGKILL, and waits until the process is gone.
  void Kill();

  // Waits until the process writes to its ready descriptor. False when it
  // closes that first, as it does when it ends, or when the time is over.
  bool WaitReady(absl::Duration timeout = kPatience);

 private:
  Process(pid_t pid, int ready_fd) : pid_(pid), ready_fd_(ready_fd) {}

  const pid_t pid_;
  int ready_fd_;  // -1: none
  std::optional<ExitStatus> exit_status_;
};

// What a program did that ran to its end.
struct RunResult {
  ExitStatus code = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end. DEADLINE_EXCEEDED: it was killed after `timeout`.
absl::StatusOr<RunResult> RunToEnd(const CommandLine& command,
                                   absl::Duration timeout = kPatience);

// The whole file; empty when it cannot be read.
std::string ReadTextFile(const std::string& path);

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_PROCESS_H_
