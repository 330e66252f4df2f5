#include "daemon/app/flags.h"

#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "daemon/app/version.h"

namespace parley::app {
namespace {

constexpr size_t kMaxProfileBytes = 64;

// A profile names files, so it must not leave their directories.
std::string CheckProfile(const std::string& profile) {
  const bool valid = !profile.empty() && profile.size() <= kMaxProfileBytes &&
                     profile[0] != '.' && profile[0] != '-' &&
                     profile.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789._-") == std::string::npos;
  if (valid) return "";
  return absl::StrCat("a profile is 1 to ", kMaxProfileBytes,
                      " letters, digits, '.', '_' or '-', and starts with none "
                      "of the last two or '.'");
}

std::string CheckNotEmpty(const std::string& value) {
  return value.empty() ? "it must not be empty" : "";
}

template <typename T>
CLI::Option* Add(CLI::App* app, const char* name, T* value, const char* type,
                 const char* description) {
  return app->add_option(name, *value, description)->type_name(type);
}

}  // namespace

absl::StatusOr<Flags> ParseFlags(int argc, const char* const* argv) {
  Flags flags;
  bool version = false;
  CLI::App app(
      "parleyd owns the one realtime connection of this device and its durable "
      "offline queue,\nand serves them to any number of programs on a Unix "
      "socket.\n",
      "parleyd");
  app.set_help_flag("--help", "Print this and exit");
  Add(&app, "--profile", &flags.profile, "NAME",
      "The account to run, one daemon each (default: default)")
      ->check(CheckProfile);
  Add(&app, "--config", &flags.config, "FILE",
      "The configuration (default: $XDG_CONFIG_HOME/parley/NAME.toml)")
      ->check(CheckNotEmpty);
  Add(&app, "--socket", &flags.socket, "PATH",
      "Where clients connect (default: $XDG_RUNTIME_DIR/parley/NAME.sock)")
      ->check(CheckNotEmpty);
  Add(&app, "--state-dir", &flags.state_dir, "DIR",
      "The queue and what was received, of this profile alone\n"
      "(default: $XDG_STATE_HOME/parley/NAME)")
      ->check(CheckNotEmpty);
  Add(&app, "--server-url", &flags.server_urls, "URL",
      "The realtime server, for example https://chat.example; repeated, the\n"
      "others are tried in turn while the first cannot be reached")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  Add(&app, "--token-file", &flags.token_file, "FILE",
      "Holds the token that the server asks for; read at every connect.\n"
      "Other ways: token_command in the configuration, a systemd credential\n"
      "named \"token\", or parleyctl auth set-token");
  Add(&app, "--log-level", &flags.log_level, "LEVEL",
      "debug, info, warning or error (default: info)");
  app.add_flag("--check-config", flags.check_config,
               "Print what would be used, and from where it comes, and exit");
  Add(&app, "--ready-fd", &flags.ready_fd, "FD",
      "A descriptor that gets \"1\\n\" once clients are served")
      ->check(CLI::Range(0, 1 << 20));
  app.add_flag("--version", version, "Print the version and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    flags.print = app.help();
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrReplaceAll(absl::StripAsciiWhitespace(error.what()),
                            {{"\n", " "}}),
        "; see parleyd --help"));
  }
  if (version) flags.print = absl::StrCat("parleyd ", kVersion, "\n");
  return flags;
}

}  // namespace parley::app
