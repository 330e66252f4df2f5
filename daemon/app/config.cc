#include "daemon/app/config.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "daemon/app/config_file.h"
#include "daemon/app/read_file.h"
#include "daemon/base/check.h"

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
  if (!flags.server_urls.empty()) {
    absl::Status status =
        SetServerUrls(flags.server_urls, "--server-url", config);
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
    config->token_command = {};
  }
  return absl::OkStatus();
}

template <typename T>
bool IsDefault(const Setting<T>& setting) {
  return setting.origin == Setting<T>().origin;
}

// "$https_proxy" or "$HTTPS_PROXY", the former if both are set.
std::optional<Setting<std::string>> FindVariable(const Environment& environment,
                                                 const std::string& name) {
  for (const std::string& spelling : {name, absl::AsciiStrToUpper(name)}) {
    if (std::optional<std::string> value = environment.Get(spelling)) {
      return Setting<std::string>{*value, "$" + spelling};
    }
  }
  return std::nullopt;
}

absl::Status ApplyProxyVariable(
    const Environment& environment, const std::string& name,
    Setting<std::optional<transport::HttpProxy>>* proxy) {
  if (!IsDefault(*proxy)) return absl::OkStatus();
  const auto variable = FindVariable(environment, name);
  if (!variable.has_value()) return absl::OkStatus();
  absl::StatusOr<transport::HttpProxy> parsed =
      transport::ParseProxyUrl(variable->value);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        variable->origin, " is wrong: ", parsed.status().message(),
        "; server.proxy in the configuration overrides it (\"\" for none)"));
  }
  *proxy = {*std::move(parsed), variable->origin};
  return absl::OkStatus();
}

// What the file leaves open.
absl::Status ApplyEnvironment(const Environment& environment, Config* config) {
  const bool file_is_silent = IsDefault(config->http_proxy);
  if (absl::Status status =
          ApplyProxyVariable(environment, "http_proxy", &config->http_proxy);
      !status.ok()) {
    return status;
  }
  if (absl::Status status =
          ApplyProxyVariable(environment, "https_proxy", &config->https_proxy);
      !status.ok()) {
    return status;
  }
  if (!IsDefault(config->no_proxy)) return absl::OkStatus();
  if (const auto variable = FindVariable(environment, "no_proxy")) {
    config->no_proxy.origin = variable->origin;
    for (absl::string_view entry :
         absl::StrSplit(variable->value, absl::ByAnyChar(", "))) {
      // Other programs understand more; what we do not matches nothing.
      if (!transport::NoProxyList().Add(entry).ok()) continue;
      config->no_proxy.value.emplace_back(entry);
    }
  }
  // Whoever set the variables meant the world outside.
  if (file_is_silent && (config->http_proxy.value.has_value() ||
                         config->https_proxy.value.has_value())) {
    for (const char* loopback : {"localhost", "127.0.0.0/8", "::1"}) {
      config->no_proxy.value.emplace_back(loopback);
    }
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

std::string List(const std::vector<std::string>& values) {
  const auto quote = [](std::string* out, const std::string& value) {
    out->append(Quoted(value));
  };
  return absl::StrCat("[", absl::StrJoin(values, ", ", quote), "]");
}

std::string ServerLine(const Setting<std::vector<std::string>>& urls) {
  if (urls.value.empty()) return "# server_url is not set\n";
  return Line(absl::StrCat("server_url = ", urls.value.size() == 1
                                                ? Quoted(urls.value[0])
                                                : List(urls.value)),
              urls.origin);
}

// The one source of the token that is configured.
std::string TokenLine(const Config& config) {
  if (!config.token_command.value.empty()) {
    return Line(
        absl::StrCat("token_command = ", List(config.token_command.value)),
        config.token_command.origin);
  }
  if (!config.token_file.value.empty()) {
    return TextLine("token_file", config.token_file);
  }
  return "# neither token_file nor token_command is set: the token comes from "
         "parleyctl auth set-token\n";
}

template <typename T>
std::string NumberLine(absl::string_view name, const Setting<T>& setting) {
  return Line(absl::StrCat(name, " = ", setting.value), setting.origin);
}

std::string ProxyLines(const Config& config) {
  const auto line =
      [](absl::string_view scheme,
         const Setting<std::optional<transport::HttpProxy>>& proxy) {
        if (!proxy.value.has_value()) return std::string();
        return absl::StrCat("# ", scheme, " servers are reached through ",
                            proxy.value->Authority(), "  # ", proxy.origin,
                            "\n");
      };
  const Setting<std::optional<transport::HttpProxy>>& proxy =
      config.https_proxy;
  // The file sets both or none.
  if (!IsDefault(proxy) && proxy.origin == config.http_proxy.origin) {
    if (!proxy.value.has_value()) return Line("proxy = \"\"", proxy.origin);
    return Line(
        absl::StrCat("proxy = ", Quoted("http://" + proxy.value->Authority())),
        proxy.value->credentials.empty()
            ? proxy.origin
            : absl::StrCat(proxy.origin, "; its password is not shown"));
  }
  const std::string lines = absl::StrCat(line("http://", config.http_proxy),
                                         line("https://", config.https_proxy));
  return lines.empty() ? "# proxy is not set\n" : lines;
}

}  // namespace

transport::ProxyRules MakeProxyRules(const Config& config) {
  transport::ProxyRules rules;
  rules.for_http = config.http_proxy.value;
  rules.for_https = config.https_proxy.value;
  for (const std::string& entry : config.no_proxy.value) {
    PARLEY_CHECK(rules.no_proxy.Add(entry).ok());
  }
  return rules;
}

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
  if (absl::Status status = ApplyEnvironment(environment, &config);
      !status.ok()) {
    return status;
  }
  const std::optional<std::string> credentials =
      environment.Get("CREDENTIALS_DIRECTORY");
  if (config.token_file.value.empty() && config.token_command.value.empty() &&
      credentials.has_value()) {
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
      " (", config.paths.socket.origin, ")\n", ServerLine(config.server_urls),
      TokenLine(config), TextLine("user", config.user),
      Line(absl::StrCat("log_level = ", Quoted(level)),
           config.log_level.origin),
      "\n[server]\n", TextLine("ca_file", config.ca_file), ProxyLines(config),
      Line(absl::StrCat("no_proxy = ", List(config.no_proxy.value)),
           config.no_proxy.origin),
      "\n[outbox]\n", NumberLine("max_entries", config.outbox_max_entries),
      NumberLine("max_bytes", config.outbox_max_bytes),
      NumberLine("max_answered_failures", config.outbox_max_answered_failures),
      Line(absl::StrCat("ambiguous_sends = ", Quoted(hold ? "hold" : "resend")),
           config.outbox_ambiguous_sends.origin));
}

}  // namespace parley::app
