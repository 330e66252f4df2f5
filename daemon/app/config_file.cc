#include "daemon/app/config_file.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/app/nearest.h"
#include "daemon/transport/proxy.h"
#include "daemon/transport/url.h"

// A malformed file is an error to report, not an exception.
#define TOML_EXCEPTIONS 0
#include "toml++/toml.h"

namespace parley::app {
namespace {

// A queue that is smaller than this holds no single large message.
constexpr int64_t kMinOutboxBytes = 1024 * 1024;
constexpr int64_t kMaxOutboxBytes = int64_t{64} * 1024 * 1024 * 1024;
constexpr int64_t kMaxAnsweredFailures = 100;

std::string TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or time";
  }
}

// One key of the file.
struct Entry {
  std::string name;  // dotted
  const toml::node* node;
  std::string origin;  // "/etc/parley/work.toml:3"
};

absl::Status Wrong(const Entry& entry, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(entry.origin, ": ", entry.name, " ", what));
}

absl::Status WrongType(const Entry& entry, absl::string_view allowed) {
  return Wrong(entry, absl::StrCat("must be ", allowed, ", not ",
                                   TypeName(*entry.node)));
}

absl::Status ReadText(const Entry& entry, absl::string_view allowed,
                      std::string* text) {
  const std::optional<std::string> value =
      entry.node->value_exact<std::string>();
  if (!value.has_value()) return WrongType(entry, allowed);
  *text = *value;
  return absl::OkStatus();
}

absl::Status ReadNumber(const Entry& entry, int64_t low, int64_t high,
                        Setting<uint64_t>* setting) {
  const std::string allowed =
      absl::StrCat("a whole number from ", low, " to ", high);
  const std::optional<int64_t> value = entry.node->value_exact<int64_t>();
  if (!value.has_value()) return WrongType(entry, allowed);
  if (*value < low || *value > high) {
    return Wrong(entry, absl::StrCat("must be ", allowed, ", not ", *value));
  }
  *setting = {static_cast<uint64_t>(*value), entry.origin};
  return absl::OkStatus();
}

absl::Status ReadTexts(const Entry& entry, absl::string_view allowed,
                       std::vector<std::string>* texts) {
  const toml::array* const list = entry.node->as_array();
  if (list == nullptr) return WrongType(entry, allowed);
  for (const toml::node& node : *list) {
    const std::optional<std::string> text = node.value_exact<std::string>();
    if (!text.has_value()) {
      return Wrong(entry, absl::StrCat("must be ", allowed));
    }
    texts->push_back(*text);
  }
  return absl::OkStatus();
}

absl::Status ReadServerUrls(const Entry& entry, Config* config) {
  constexpr char kAllowed[] = "a URL in quotes, or a list of them";
  std::vector<std::string> texts;
  absl::Status status = entry.node->is_array()
                            ? ReadTexts(entry, kAllowed, &texts)
                            : ReadText(entry, kAllowed, &texts.emplace_back());
  if (!status.ok()) return status;
  status = SetServerUrls(texts, entry.origin, config);
  if (status.ok()) return status;
  return Wrong(entry, absl::StrCat("is wrong: ", status.message()));
}

// Relative to the file that names it, or to the home directory after "~/".
absl::Status FindFile(const Entry& entry, const std::string& config_path,
                      const Environment& environment, std::string* name) {
  if (absl::StartsWith(*name, "~/")) {
    if (environment.home.empty()) {
      return Wrong(entry, "starts with ~, but the home directory is unknown");
    }
    *name = environment.home + name->substr(1);
  } else if (!absl::StartsWith(*name, "/")) {
    const size_t slash = config_path.rfind('/');
    if (slash != std::string::npos) {
      *name = absl::StrCat(config_path.substr(0, slash + 1), *name);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadFileName(const Entry& entry, const std::string& config_path,
                          const Environment& environment,
                          Setting<std::string>* setting) {
  std::string text;
  absl::Status status = ReadText(entry, "a file name in quotes", &text);
  if (!status.ok()) return status;
  if (text.empty()) return Wrong(entry, "must not be empty");
  status = FindFile(entry, config_path, environment, &text);
  if (status.ok()) *setting = {text, entry.origin};
  return status;
}

// The program is looked for in $PATH, unless it has a slash.
absl::Status ReadTokenCommand(const Entry& entry,
                              const std::string& config_path,
                              const Environment& environment, Config* config) {
  constexpr char kAllowed[] =
      "a list such as [\"program\", \"argument\"], since no shell takes it "
      "apart";
  std::vector<std::string> words;
  absl::Status status = ReadTexts(entry, kAllowed, &words);
  if (!status.ok()) return status;
  if (words.empty() || words[0].empty()) {
    return Wrong(entry, absl::StrCat("must be ", kAllowed));
  }
  for (const std::string& word : words) {
    if (absl::StrContains(word, '\0')) {
      return Wrong(entry, "must not contain \\u0000");
    }
  }
  if (absl::StrContains(words[0], '/')) {
    status = FindFile(entry, config_path, environment, &words[0]);
  }
  if (status.ok()) config->token_command = {words, entry.origin};
  return status;
}

// Of all servers; "" is none, whatever the environment says.
absl::Status ReadProxy(const Entry& entry, Config* config) {
  std::string text;
  absl::Status status = ReadText(entry, "a URL in quotes", &text);
  if (!status.ok()) return status;
  std::optional<transport::HttpProxy> proxy;
  if (!text.empty()) {
    absl::StatusOr<transport::HttpProxy> parsed =
        transport::ParseProxyUrl(text);
    if (!parsed.ok()) {
      return Wrong(entry, absl::StrCat("is ", parsed.status().message()));
    }
    proxy = *std::move(parsed);
  }
  config->http_proxy = {proxy, entry.origin};
  config->https_proxy = {proxy, entry.origin};
  return absl::OkStatus();
}

absl::Status ReadNoProxy(const Entry& entry, Config* config) {
  std::vector<std::string> hosts;
  absl::Status status = ReadTexts(entry, "a list of hosts in quotes", &hosts);
  if (!status.ok()) return status;
  for (const std::string& host : hosts) {
    const absl::Status valid = transport::NoProxyList().Add(host);
    if (!valid.ok()) {
      return Wrong(entry, absl::StrCat("has \"", absl::Utf8SafeCEscape(host),
                                       "\", but each entry ", valid.message()));
    }
  }
  config->no_proxy = {hosts, entry.origin};
  return absl::OkStatus();
}

absl::Status ReadUser(const Entry& entry, Config* config) {
  std::string text;
  absl::Status status = ReadText(entry, "a user id in quotes", &text);
  if (!status.ok()) return status;
  if (text.empty() || text.size() > model::kMaxForeignIdBytes) {
    return Wrong(entry, absl::StrCat("must have 1 to ",
                                     model::kMaxForeignIdBytes, " bytes"));
  }
  config->user = {text, entry.origin};
  return absl::OkStatus();
}

absl::Status ReadLogLevel(const Entry& entry, Config* config) {
  std::string text;
  absl::Status status =
      ReadText(entry, "\"debug\", \"info\", \"warning\" or \"error\"", &text);
  if (!status.ok()) return status;
  status = SetLogLevel(text, entry.origin, config);
  return status.ok() ? status : Wrong(entry, status.message());
}

absl::Status ReadAmbiguousSends(const Entry& entry, Config* config) {
  constexpr char kAllowed[] = "\"resend\" or \"hold\"";
  std::string text;
  absl::Status status = ReadText(entry, kAllowed, &text);
  if (!status.ok()) return status;
  if (text != "resend" && text != "hold") {
    return Wrong(entry,
                 absl::StrCat("must be ", kAllowed, ", not \"", text, "\""));
  }
  config->outbox_ambiguous_sends = {
      text == "hold" ? AmbiguousSends::kHold : AmbiguousSends::kResend,
      entry.origin};
  return absl::OkStatus();
}

using Apply = std::function<absl::Status(const Entry&, Config*)>;

std::map<std::string, Apply> Keys(const std::string& path,
                                  const Environment& environment) {
  return {
      {"server_url", &ReadServerUrls},
      {"token_file",
       [&](const Entry& entry, Config* config) {
         return ReadFileName(entry, path, environment, &config->token_file);
       }},
      {"token_command",
       [&](const Entry& entry, Config* config) {
         return ReadTokenCommand(entry, path, environment, config);
       }},
      {"user", &ReadUser},
      {"log_level", &ReadLogLevel},
      {"server.ca_file",
       [&](const Entry& entry, Config* config) {
         return ReadFileName(entry, path, environment, &config->ca_file);
       }},
      {"server.proxy", &ReadProxy},
      {"server.no_proxy", &ReadNoProxy},
      {"outbox.max_entries",
       [](const Entry& entry, Config* config) {
         return ReadNumber(entry, 1, model::kMaxConfigurableOutboxEntries,
                           &config->outbox_max_entries);
       }},
      {"outbox.max_bytes",
       [](const Entry& entry, Config* config) {
         return ReadNumber(entry, kMinOutboxBytes, kMaxOutboxBytes,
                           &config->outbox_max_bytes);
       }},
      {"outbox.max_answered_failures",
       [](const Entry& entry, Config* config) {
         return ReadNumber(entry, 1, kMaxAnsweredFailures,
                           &config->outbox_max_answered_failures);
       }},
      {"outbox.ambiguous_sends", &ReadAmbiguousSends},
  };
}

// All keys that hold values, and tables that hold nothing.
void Flatten(const toml::table& table, const std::string& prefix,
             const std::string& path, std::vector<Entry>* entries) {
  for (const auto& [key, node] : table) {
    const std::string name = absl::StrCat(prefix, std::string(key.str()));
    const toml::table* inner = node.as_table();
    if (inner != nullptr && !inner->empty()) {
      Flatten(*inner, name + ".", path, entries);
    } else {
      entries->push_back(
          {name, &node, absl::StrCat(path, ":", key.source().begin.line)});
    }
  }
}

absl::Status ApplyEntry(const Entry& entry,
                        const std::map<std::string, Apply>& keys,
                        Config* config) {
  const auto key = keys.find(entry.name);
  if (key != keys.end()) return key->second(entry, config);
  std::vector<std::string> names;
  for (const auto& known : keys) {
    names.push_back(known.first);
    // A table of ours that is empty says nothing.
    const bool table = entry.node->is_table() &&
                       absl::StartsWith(known.first, entry.name + ".");
    if (table) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      entry.origin, ": unknown key \"", entry.name,
      "\"; the nearest known key is \"", Nearest(entry.name, names), "\""));
}

}  // namespace

absl::Status SetServerUrls(const std::vector<std::string>& texts,
                           const std::string& origin, Config* config) {
  if (texts.empty() || texts.size() > kMaxServerUrls) {
    return absl::InvalidArgumentError(absl::StrCat(
        "1 to ", kMaxServerUrls, " servers can be given, not ", texts.size()));
  }
  std::vector<std::string> urls;
  for (const std::string& text : texts) {
    const absl::StatusOr<transport::ServerUrl> url =
        transport::ParseServerUrl(text);
    if (!url.ok()) return url.status();
    const std::string normalised = url->Normalised();
    if (std::find(urls.begin(), urls.end(), normalised) != urls.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(normalised, " is there twice"));
    }
    urls.push_back(normalised);
  }
  config->server_urls = {std::move(urls), origin};
  return absl::OkStatus();
}

absl::Status SetLogLevel(absl::string_view text, const std::string& origin,
                         Config* config) {
  base::logging::Level level;
  if (!base::logging::ParseLevel(text, &level)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "must be debug, info, warning or error, not \"", text, "\""));
  }
  config->log_level = {level, origin};
  return absl::OkStatus();
}

absl::Status ApplyConfigText(absl::string_view text, const std::string& path,
                             const Environment& environment, Config* config) {
  const toml::parse_result parsed =
      toml::parse(std::string_view(text.data(), text.size()));
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", parsed.error().source().begin.line,
        ": no valid TOML: ", std::string(parsed.error().description())));
  }
  std::vector<Entry> entries;
  Flatten(parsed.table(), "", path, &entries);
  const std::map<std::string, Apply> keys = Keys(path, environment);
  // The parser sorts by name; a person reads from the top.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) {
                     return a.node->source().begin < b.node->source().begin;
                   });
  for (const Entry& entry : entries) {
    if (absl::Status status = ApplyEntry(entry, keys, config); !status.ok()) {
      return status;
    }
    if (!config->token_command.value.empty() &&
        !config->token_file.value.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          entry.origin, ": token_file and token_command are both set (",
          config->token_file.origin, " and ", config->token_command.origin,
          "); the token can come from one of them only"));
    }
  }
  return absl::OkStatus();
}

}  // namespace parley::app
