#include "clients/cli/cli_runner.h"

#include <sstream>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "clients/cli/cli.h"

namespace parley::cli {

std::vector<nlohmann::json> RunResult::Json() const {
  std::vector<nlohmann::json> values;
  for (const absl::string_view line :
       absl::StrSplit(out, '\n', absl::SkipEmpty())) {
    values.push_back(nlohmann::json::parse(line.begin(), line.end(), nullptr,
                                           /*allow_exceptions=*/false));
  }
  return values;
}

nlohmann::json RunResult::OneJson() const {
  const std::vector<nlohmann::json> values = Json();
  return values.size() == 1 ? values[0] : nlohmann::json();
}

RunResult CliRunner::Run(std::vector<std::string> arguments) const {
  if (!socket_path.empty()) {
    arguments.push_back("--socket");
    arguments.push_back(socket_path);
  }
  std::istringstream in(stdin_text);
  std::ostringstream out;
  std::ostringstream err;
  Environment all;
  all.in = &in;
  all.out = &out;
  all.err = &err;
  all.out_is_terminal = out_is_terminal;
  all.getenv = [this](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
  };
  all.zone = absl::UTCTimeZone();
  RunResult result;
  result.code = cli::Run(arguments, all);
  result.out = out.str();
  result.err = err.str();
  return result;
}

google::protobuf::Timestamp Ago(absl::Duration duration) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(absl::Now() - duration));
  return timestamp;
}

}  // namespace parley::cli
