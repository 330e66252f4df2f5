#include "tests/spec/spec_case.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace parley::spec {
namespace {

absl::Status Bad(const SpecCase& spec, const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(spec.file, ": ", spec.name, ": ", problem));
}

absl::Status ReadServer(const Json& server, SpecCase* spec) {
  for (const auto& [name, value] : server.items()) {
    if (name == "capabilities") {
      spec->server.capabilities = value.get<std::vector<std::string>>();
    } else if (name == "plugin") {
      spec->server.plugin = value.get<bool>();
    } else if (name == "window") {
      spec->server.ordered_window = value.get<uint32_t>();
    } else if (name == "max_payload") {
      spec->server.max_payload_bytes = value.get<size_t>();
    } else {
      return Bad(*spec, "unknown server option " + name);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadOptions(SpecCase* spec) {
  core::Outbox::Options& outbox = spec->engine.outbox;
  for (const auto& [name, value] : spec->options.items()) {
    if (name == "seed") {
      spec->seed = value.get<uint64_t>();
    } else if (name == "user") {
      spec->user = value.get<std::string>();
    } else if (name == "commits" && value == "manual") {
      spec->manual_commits = true;
    } else if (name == "max_entries") {
      outbox.max_entries = value.get<uint64_t>();
    } else if (name == "max_bytes") {
      outbox.max_bytes = value.get<uint64_t>();
    } else if (name == "max_answered_failures") {
      outbox.max_answered_failures = value.get<int>();
    } else if (name == "ambiguous" && value == "hold") {
      outbox.ambiguous = core::Outbox::AmbiguousPolicy::kHold;
    } else if (name == "server_urls") {
      spec->engine.connection.server_urls =
          value.get<std::vector<std::string>>();
    } else if (name == "server") {
      if (absl::Status status = ReadServer(value, spec); !status.ok()) {
        return status;
      }
    } else {
      return Bad(*spec, "unknown option " + name);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadCase(const Json& json, SpecCase* spec) {
  for (const auto& [name, value] : json.items()) {
    if (name == "name") {
      spec->name = value.get<std::string>();
    } else if (name == "shows") {
      spec->shows = value.get<std::string>();
    } else if (name == "options") {
      spec->options = value;
    } else if (name == "steps") {
      spec->steps = value;
    } else {
      return Bad(*spec, "unknown member " + name);
    }
  }
  if (spec->name.empty() || spec->shows.empty()) {
    return Bad(*spec, "a case has a name, and says what it shows");
  }
  if (!spec->steps.is_array() || spec->steps.empty()) {
    return Bad(*spec, "a case has steps");
  }
  spec->engine.connection.server_urls = {kOnlyServer};
  return ReadOptions(spec);
}

std::string Quoted(const std::string& text) { return Json(text).dump(); }

void WriteStep(const Json& step, std::string* out) {
  Json action = step;
  action.erase("expect");
  std::string head = action.dump();
  head.pop_back();
  absl::StrAppend(out, "        ", head);
  if (step.contains("expect") && !step["expect"].empty()) {
    absl::StrAppend(out, ", \"expect\": [");
    const char* separator = "\n          ";
    for (const Json& line : step["expect"]) {
      absl::StrAppend(out, separator, line.dump());
      separator = ",\n          ";
    }
    absl::StrAppend(out, "]");
  }
  absl::StrAppend(out, "}");
}

}  // namespace

absl::StatusOr<std::vector<SpecCase>> ReadCases(const std::string& path) {
  std::ifstream stream(path);
  const Json file = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object() || file.size() != 1 || !file.contains("cases")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, R"( is no {"cases": [...]})"));
  }
  std::vector<SpecCase> cases;
  std::set<std::string> names;
  for (const Json& json : file["cases"]) {
    SpecCase spec;
    spec.file = path;
    if (absl::Status status = ReadCase(json, &spec); !status.ok()) {
      return status;
    }
    if (!names.insert(spec.name).second) return Bad(spec, "stands there twice");
    cases.push_back(std::move(spec));
  }
  return cases;
}

std::string WriteCases(const std::vector<SpecCase>& cases) {
  std::string out = "{\n  \"cases\": [";
  const char* separator = "\n";
  for (const SpecCase& spec : cases) {
    absl::StrAppend(&out, separator,
                    "    {\n      \"name\": ", Quoted(spec.name),
                    ",\n      \"shows\": ", Quoted(spec.shows), ",\n");
    if (!spec.options.is_null()) {
      absl::StrAppend(&out, "      \"options\": ", spec.options.dump(), ",\n");
    }
    absl::StrAppend(&out, "      \"steps\": [\n");
    for (size_t i = 0; i < spec.steps.size(); ++i) {
      if (i > 0) absl::StrAppend(&out, ",\n");
      WriteStep(spec.steps[i], &out);
    }
    absl::StrAppend(&out, "\n      ]\n    }");
    separator = ",\n";
  }
  return out + "\n  ]\n}\n";
}

std::vector<std::string> CaseFiles(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace parley::spec
