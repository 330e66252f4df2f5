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

// What the daemon runs with: flags over the file over defaults; for proxies,
// the usual variables of the environment come between the last two.
struct Config {
  std::string profile;
  Paths paths;
  bool file_exists = false;

  Setting<std::string> server_url;  // normalised; empty: not set
  // Absolute, or relative to the working directory; empty: none.
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

  Setting<bool> presence{true};
  Setting<bool> typing{true};
  Setting<bool> receipts{true};
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
