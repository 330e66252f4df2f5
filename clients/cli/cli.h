#ifndef CLIENTS_CLI_CLI_H_
#define CLIENTS_CLI_CLI_H_

#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace parley::cli {

// What the program meets outside of itself.
struct Environment {
  std::istream* in;
  std::ostream* out;
  std::ostream* err;
  bool out_is_terminal = false;
  // The value of an environment variable, empty when it is not set.
  std::function<std::string(const std::string&)> getenv;
  absl::TimeZone zone;
};

// parleyctl: runs one command line, without the program's name, and returns
// the exit code (see ExitCode).
int Run(const std::vector<std::string>& arguments,
        const Environment& environment);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_CLI_H_
