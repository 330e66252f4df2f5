#include "daemon/app/environment.h"

#include <pwd.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace parley::app {

std::optional<std::string> Environment::Get(const std::string& name) const {
  const auto it = variables.find(name);
  if (it == variables.end() || it->second.empty()) return std::nullopt;
  return it->second;
}

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::pair<absl::string_view, absl::string_view> variable =
        absl::StrSplit(absl::string_view(*entry), absl::MaxSplits('=', 1));
    environment.variables.emplace(variable.first, variable.second);
  }
  if (std::optional<std::string> home = environment.Get("HOME")) {
    environment.home = *std::move(home);
  } else if (const passwd* user = getpwuid(getuid()); user != nullptr) {
    environment.home = user->pw_dir;
  }
  return environment;
}

}  // namespace parley::app
