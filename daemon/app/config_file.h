#ifndef DAEMON_APP_CONFIG_FILE_H_
#define DAEMON_APP_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "daemon/app/config.h"
#include "daemon/app/environment.h"

namespace parley::app {

// Takes over what a configuration file's text says. `path` is for messages,
// and what relative file names are relative to. INVALID_ARGUMENT is about the
// first line that is wrong.
absl::Status ApplyConfigText(absl::string_view text, const std::string& path,
                             const Environment& environment, Config* config);

// For flags, which take the same words as the file. Each sets the value with
// `origin`, or says what is allowed.
absl::Status SetServerUrls(const std::vector<std::string>& texts,
                           const std::string& origin, Config* config);
absl::Status SetLogLevel(absl::string_view text, const std::string& origin,
                         Config* config);

}  // namespace parley::app

#endif  // DAEMON_APP_CONFIG_FILE_H_
