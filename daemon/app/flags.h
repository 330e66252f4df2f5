#ifndef DAEMON_APP_FLAGS_H_
#define DAEMON_APP_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace parley::app {

// The command line. What is absent comes from the configuration file or a
// default.
struct Flags {
  std::string profile = "default";
  std::optional<std::string> config;
  std::optional<std::string> socket;
  std::optional<std::string> state_dir;
  std::vector<std::string> server_urls;
  std::optional<std::string> token_file;
  std::optional<std::string> log_level;
  bool check_config = false;
  // Written "1\n", and closed, once clients are served.
  std::optional<int> ready_fd;
  // --help or --version: what to print instead of running.
  std::optional<std::string> print;
};

// INVALID_ARGUMENT says which argument is wrong.
absl::StatusOr<Flags> ParseFlags(int argc, const char* const* argv);

}  // namespace parley::app

#endif  // DAEMON_APP_FLAGS_H_
