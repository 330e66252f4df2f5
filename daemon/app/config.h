#ifndef DAEMON_APP_CONFIG_H_
#define DAEMON_APP_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/app/environment.h"
#include "daemon/app/flags.h"
#include "daemon/app/paths.h"
#include "daemon/app/setting.h"
#include "daemon/base/logging.h"
#include "daemon/model/limits.h"
#include "daemon/transport/proxy.h"

namespace parley::app {

// What becomes of a message of which nobody knows whether it arrived, on a
// server that can tell neither before nor after: sent again, and marked, or
// kept until a person decides.
enum class AmbiguousSends { kResend, kHold };

// Each may cost a connect timeout before the next is tried.
inline constexpr size_t kMaxServerUrls = 8;

// What the daemon runs with: flags over the file over defaults; for proxies,
// the usual variables of the environment come between the last two.
struct Config {
  std::string profile;
  Paths paths;
  bool file_exists = false;

  // Normalised, in the order of preference; empty: not set. The store belongs
  // to the first of them: the others are other ways to the same service.
  Setting<std::vector<std::string>> server_urls;

  // Where the token comes from, at every connect; the first that there is:
  //   1. what SetCredentials handed over, in memory only
  //   2. --token-file
  //   3. token_command or token_file of the file, which may have one of them
  //   4. $CREDENTIALS_DIRECTORY/token, a credential of the service manager
  // 2 to 4 are one of these two, and the other is empty.
  Setting<std::vector<std::string>> token_command;
  // Absolute, or relative to the working directory.
  Setting<std::string> token_file;
  Setting<std::string> user;  // of last resort; empty: not set
  Setting<base::logging::Level> log_level{base::logging::Level::kInfo};

  // As token_file; empty: the system's CAs.
  Setting<std::string> ca_file;
  // Of servers without TLS, and with it. None: reached directly.
  Setting<std::optional<transport::HttpProxy>> http_proxy;
  Setting<std::optional<transport::HttpProxy>> https_proxy;
  Setting<std::vector<std::string>> no_proxy;  // each one valid

  Setting<uint64_t> outbox_max_entries{model::kDefaultMaxOutboxEntries};
  Setting<uint64_t> outbox_max_bytes{model::kDefaultMaxOutboxBytes};
  Setting<uint64_t> outbox_max_answered_failures{
      model::kDefaultMaxAnsweredFailures};
  Setting<AmbiguousSends> outbox_ambiguous_sends{AmbiguousSends::kResend};
};

// How to get to a server.
transport::ProxyRules MakeProxyRules(const Config& config);

// Reads the file, if it exists, and puts everything together. An error names
// the flag, or the file and line, and says what would be right.
absl::StatusOr<Config> LoadConfig(const Flags& flags,
                                  const Environment& environment);

// Every value and its origin, as a configuration file would have it; no
// password.
std::string DescribeConfig(const Config& config);

}  // namespace parley::app

#endif  // DAEMON_APP_CONFIG_H_
