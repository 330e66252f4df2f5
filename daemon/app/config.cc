#include "daemon/app/config.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daemon/app/config_file.h"
#include "daemon/app/read_file.h"

namespace parley::app {
namespace {

// Written by hand; anything larger is another file.
constexpr size_t kMaxConfigBytes = 1024 * 1024;

absl::Status ApplyFile(const Environment& environment, Config* config) {
  const std::string& path = config->paths.config.value;
  absl::StatusOr<FileContent> file = ReadFile(path, kMaxConfigBytes);
  if (absl::IsNotFound(file.status()) && !config->paths.config_is_explicit) {
    return absl::OkStatus();
  }
  if (!file.ok()) {
    return absl::Status(file.status().code(),
                        absl::StrCat("cannot read the configuration: ",
                                     file.status().message()));
  }
  config->file_exists = true;
  return ApplyConfigText(file->bytes.Reveal(), path, environment, config);
}

absl::Status ApplyFlags(const Flags& flags, Config* config) {
  if (flags.server_url.has_value()) {
    absl::Status status =
        SetServerUrl(*flags.server_url, "--server-url", config);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--server-url: ", status.message()));
    }
  }
  if (flags.log_level.has_value()) {
    absl::Status status = SetLogLevel(*flags.log_level, "--log-level", config);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--log-level ", status.message()));
    }
  }
  if (flags.token_file.has_value()) {
    if (flags.token_file->empty()) {
      return absl::InvalidArgumentError("--token-file must not be empty");
    }
    config->token_file = {*flags.token_file, "--token-file"};
  }
  return absl::OkStatus();
}

std::string Line(absl::string_view text, absl::string_view origin) {
  return absl::StrCat(text, "  # ", origin, "\n");
}

std::string Quoted(absl::string_view value) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(value), "\"");
}

std::string TextLine(absl::string_view name,
                     const Setting<std::string>& setting) {
  if (setting.value.empty()) {
    return absl::StrCat("# ", name, " is not set\n");
  }
  return Line(absl::StrCat(name, " = ", Quoted(setting.value)), setting.origin);
}

template <typename T>
std::string NumberLine(absl::string_view name, const Setting<T>& setting) {
  return Line(absl::StrCat(name, " = ", setting.value), setting.origin);
}

std::string SwitchLine(absl::string_view name, const Setting<bool>& setting) {
  return Line(absl::StrCat(name, " = ", setting.value ? "true" : "false"),
              setting.origin);
}

}  // namespace

absl::StatusOr<Config> LoadConfig(const Flags& flags,
                                  const Environment& environment) {
  Config config;
  config.profile = flags.profile;
  absl::StatusOr<Paths> paths = FindPaths(flags, environment);
  if (!paths.ok()) return paths.status();
  config.paths = *std::move(paths);
  if (absl::Status status = ApplyFile(environment, &config); !status.ok()) {
    return status;
  }
  if (absl::Status status = ApplyFlags(flags, &config); !status.ok()) {
    return status;
  }
  const std::optional<std::string> credentials =
      environment.Get("CREDENTIALS_DIRECTORY");
  if (config.token_file.value.empty() && credentials.has_value()) {
    config.token_file = {*credentials + "/token", "$CREDENTIALS_DIRECTORY"};
  }
  return config;
}

std::string DescribeConfig(const Config& config) {
  const bool hold =
      config.outbox_ambiguous_sends.value == AmbiguousSends::kHold;
  const std::string level(base::logging::LevelName(config.log_level.value));
  return absl::StrCat(
      "# profile ", config.profile, "\n# configuration ",
      config.paths.config.value, " (", config.paths.config.origin,
      config.file_exists ? ")\n" : "; it does not exist)\n",
      "# state directory ", config.paths.state_dir.value, " (",
      config.paths.state_dir.origin, ")\n# socket ", config.paths.socket.value,
      " (", config.paths.socket.origin, ")\n",
      TextLine("server_url", config.server_url),
      TextLine("token_file", config.token_file), TextLine("user", config.user),
      Line(absl::StrCat("log_level = ", Quoted(level)),
           config.log_level.origin),
      "\n[outbox]\n", NumberLine("max_entries", config.outbox_max_entries),
      NumberLine("max_bytes", config.outbox_max_bytes),
      NumberLine("max_answered_failures", config.outbox_max_answered_failures),
      Line(absl::StrCat("ambiguous_sends = ", Quoted(hold ? "hold" : "resend")),
           config.outbox_ambiguous_sends.origin),
      "\n[features]\n", SwitchLine("presence", config.presence),
      SwitchLine("typing", config.typing),
      SwitchLine("receipts", config.receipts));
}

}  // namespace parley::app
