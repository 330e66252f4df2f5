#ifndef CLIENTS_CLI_CLI_RUNNER_H_
#define CLIENTS_CLI_CLI_RUNNER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "clients/cpp/testing/fake_daemon.h"
#include "nlohmann/json.hpp"

namespace parley::cli {

// What a command line did.
struct RunResult {
  int code = -1;
  std::string out;
  std::string err;

  // `out` as one JSON value a line.
  std::vector<nlohmann::json> Json() const;
  // `out` as the one JSON value that it must be.
  nlohmann::json OneJson() const;
};

// Runs command lines in this process, in UTC, in an environment without
// variables but those of `environment`.
struct CliRunner {
  // Of the daemon to talk to; --socket is added when it is not empty.
  std::string socket_path;
  std::map<std::string, std::string> environment;
  std::string stdin_text;
  bool out_is_terminal = false;

  explicit CliRunner(std::string socket = "")
      : socket_path(std::move(socket)) {}
  explicit CliRunner(const client::FakeDaemon& daemon)
      : socket_path(daemon.socket_path()) {}

  RunResult Run(std::vector<std::string> arguments) const;
};

// The time so long ago.
google::protobuf::Timestamp Ago(absl::Duration duration);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_CLI_RUNNER_H_
