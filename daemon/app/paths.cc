#include "daemon/app/paths.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace parley::app {
namespace {

// The first directory of a variable of the service manager, which holds one for
// each directory that the unit names.
std::optional<std::string> ServiceDirectory(const Environment& environment,
                                            const std::string& variable) {
  std::optional<std::string> value = environment.Get(variable);
  if (!value.has_value()) return std::nullopt;
  const std::vector<std::string> directories = absl::StrSplit(*value, ':');
  if (directories[0].empty()) return std::nullopt;
  return directories[0];
}

struct Directory {
  std::string path;
  std::string origin;
};

// An XDG base directory. A relative one is invalid and ignored, as the
// specification wants it.
std::optional<Directory> BaseDirectory(const Environment& environment,
                                       const std::string& variable,
                                       const std::string& below_home) {
  const std::optional<std::string> value = environment.Get(variable);
  if (value.has_value() && absl::StartsWith(*value, "/")) {
    return Directory{*value, "$" + variable};
  }
  if (below_home.empty() || environment.home.empty()) return std::nullopt;
  return Directory{absl::StrCat(environment.home, "/", below_home), "default"};
}

absl::Status Missing(absl::string_view what, absl::string_view variable,
                     absl::string_view flag) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot tell where the ", what, " is: ", variable,
                   " is not set; set it, or give ", flag));
}

}  // namespace

absl::StatusOr<Paths> FindPaths(const Flags& flags,
                                const Environment& environment) {
  Paths paths;
  const std::string& profile = flags.profile;

  if (flags.config.has_value()) {
    paths.config = {*flags.config, "--config"};
    paths.config_is_explicit = true;
  } else if (auto dir =
                 ServiceDirectory(environment, "CONFIGURATION_DIRECTORY")) {
    paths.config = {absl::StrCat(*dir, "/", profile, ".toml"),
                    "$CONFIGURATION_DIRECTORY"};
  } else if (auto dir =
                 BaseDirectory(environment, "XDG_CONFIG_HOME", ".config")) {
    paths.config = {absl::StrCat(dir->path, "/parley/", profile, ".toml"),
                    dir->origin};
  } else {
    return Missing("configuration", "HOME", "--config");
  }

  if (flags.state_dir.has_value()) {
    paths.state_dir = {*flags.state_dir, "--state-dir"};
  } else if (auto dir = ServiceDirectory(environment, "STATE_DIRECTORY")) {
    paths.state_dir = {*dir, "$STATE_DIRECTORY"};
  } else if (auto dir =
                 BaseDirectory(environment, "XDG_STATE_HOME", ".local/state")) {
    paths.state_dir = {absl::StrCat(dir->path, "/parley/", profile),
                       dir->origin};
  } else {
    return Missing("state directory", "HOME", "--state-dir");
  }

  if (flags.socket.has_value()) {
    paths.socket = {*flags.socket, "--socket"};
  } else if (auto dir = ServiceDirectory(environment, "RUNTIME_DIRECTORY")) {
    paths.socket = {absl::StrCat(*dir, "/", profile, ".sock"),
                    "$RUNTIME_DIRECTORY"};
  } else if (auto dir = BaseDirectory(environment, "XDG_RUNTIME_DIR", "")) {
    paths.socket = {absl::StrCat(dir->path, "/parley/", profile, ".sock"),
                    dir->origin};
  } else {
    return Missing("socket", "XDG_RUNTIME_DIR", "--socket");
  }
  return paths;
}

}  // namespace parley::app
