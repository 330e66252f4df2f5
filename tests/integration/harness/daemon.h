#ifndef TESTS_INTEGRATION_HARNESS_DAEMON_H_
#define TESTS_INTEGRATION_HARNESS_DAEMON_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cpp/client.h"
#include "nlohmann/json.hpp"
#include "tests/integration/harness/process.h"

namespace parley::integration {

// parleyd as a process, with a folder of its own for all that it keeps, so
// that a second Start finds what the first one left.
//
//   DOWN --- Start ---> UP --- Kill, Stop ---> DOWN
class Daemon {
 public:
  struct Options {
    std::string server_url;  // empty: none
    std::string token;       // empty: no token file
    std::string config;      // the text of the configuration file
    std::string state_dir;   // empty: one of its own
    std::vector<std::string> flags;
    // In place of the daemon; a test that names another one has it as data.
    std::string program = "daemon/app/parleyd";
  };

  // `dir` is an existing folder.
  Daemon(const std::string& dir, Options options);

  // Returns once clients are served.
  absl::Status Start();

  // Runs it to its end: for starts that must fail.
  absl::StatusOr<RunResult> RunToEnd();

  // kill -9.
  void Kill();

  // SIGTERM, and waits for the end.
  absl::StatusOr<ExitStatus> Stop();

  bool IsRunning() const {
    return process_ != nullptr && process_->IsRunning();
  }
  pid_t pid() const { return process_->pid(); }

  // To be changed between two starts.
  Options& options() { return options_; }

  std::string socket_path() const { return dir_ + "/daemon.sock"; }
  std::string state_dir() const {
    return options_.state_dir.empty() ? dir_ + "/state" : options_.state_dir;
  }
  std::string log_path() const { return dir_ + "/daemon.log"; }

  // A client of this daemon; it may be kept over restarts.
  client::Client& client();

  // Runs parleyctl against this daemon.
  RunResult Ctl(std::vector<std::string> arguments,
                const std::string& stdin_text = "") const;

  // The same with --json; the exit code must be 0.
  absl::StatusOr<nlohmann::json> CtlJson(
      std::vector<std::string> arguments) const;

  // Starts a parleyctl that goes on, with its output in files.
  absl::StatusOr<std::unique_ptr<Process>> StartCtl(
      std::vector<std::string> arguments, const std::string& stdout_path) const;

 private:
  // The command line; writes the files that it names.
  absl::StatusOr<CommandLine> Prepare() const;

  const std::string dir_;
  Options options_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<client::Client> client_;
};

// The environment of every process of a test: nothing of the caller's but
// PATH, and `dir` for what lies in a home directory.
std::vector<std::string> PrivateEnvironment(const std::string& dir);

// Runs parleyctl, in an environment without a daemon of its own.
RunResult RunCtl(const std::string& dir, std::vector<std::string> arguments,
                 const std::string& stdin_text = "");

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_DAEMON_H_
