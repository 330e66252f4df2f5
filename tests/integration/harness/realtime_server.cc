#include "tests/integration/harness/realtime_server.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace parley::integration {
namespace {

constexpr char kRun[] = "tools/realtime_server/run";
constexpr char kListening[] = "listening http://127.0.0.1:";

CommandLine Run(std::vector<std::string> arguments) {
  CommandLine command;
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin(), kRun);
  // `run` looks for node.
  const char* path = std::getenv("PATH");
  command.environment = {
      absl::StrCat("PATH=", path == nullptr ? "/usr/bin:/bin" : path)};
  return command;
}

absl::StatusOr<std::string> OutputOf(std::vector<std::string> arguments) {
  const absl::StatusOr<RunResult> result = RunToEnd(Run(std::move(arguments)));
  if (!result.ok()) return result.status();
  if (result->code != 0) return absl::InternalError(result->err);
  return result->out;
}

bool IsListening(const std::string& output) {
  return absl::StartsWith(output, kListening) && output.back() == '\n';
}

}  // namespace

RealtimeServer::RealtimeServer(const std::string& dir,
                               std::vector<std::string> flags)
    : dir_(dir), flags_(std::move(flags)) {}

absl::Status RealtimeServer::Start() {
  const std::string out = absl::StrCat(dir_, "/server.out");
  // A line of an earlier start must not be taken for this one's.
  std::remove(out.c_str());
  std::vector<std::string> arguments = {"--port", absl::StrCat(port()),
                                        "--data", dir_ + "/server"};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  absl::StatusOr<std::unique_ptr<Process>> process =
      Process::Start(Run(std::move(arguments)), out, dir_ + "/server.log");
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  WaitFor(
      [&] { return IsListening(ReadTextFile(out)) || !process_->IsRunning(); });
  if (!process_->IsRunning() || !IsListening(ReadTextFile(out))) {
    return absl::InternalError(
        absl::StrCat("the realtime server did not start: ",
                     ReadTextFile(dir_ + "/server.log")));
  }
  return absl::OkStatus();
}

void RealtimeServer::Kill() { process_.reset(); }

absl::Status RealtimeServer::Stop() {
  if (process_ == nullptr) return absl::OkStatus();
  process_->Signal(SIGTERM);
  const std::optional<ExitStatus> status = process_->WaitForExit();
  process_.reset();
  if (status != 0) return absl::InternalError("the server did not end well");
  return absl::OkStatus();
}

std::string RealtimeServer::url() const {
  return absl::StrCat("http://127.0.0.1:", port());
}

absl::StatusOr<std::string> RealtimeServer::Token(
    const std::string& user, std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"token", "--user", user});
  return OutputOf(std::move(flags));
}

absl::StatusOr<std::vector<nlohmann::json>> RealtimeServer::History(
    const std::string& room, const std::string& user) const {
  const absl::StatusOr<std::string> output =
      OutputOf({"history", "--url", url(), "--user", user, "--room", room});
  if (!output.ok()) return output.status();
  std::vector<nlohmann::json> messages;
  for (const absl::string_view line :
       absl::StrSplit(*output, '\n', absl::SkipEmpty())) {
    messages.push_back(nlohmann::json::parse(line.begin(), line.end(), nullptr,
                                             /*allow_exceptions=*/false));
  }
  return messages;
}

absl::StatusOr<std::vector<std::string>> RealtimeServer::Texts(
    const std::string& room, const std::string& user) const {
  const auto messages = History(room, user);
  if (!messages.ok()) return messages.status();
  std::vector<std::string> texts;
  for (const nlohmann::json& message : *messages) {
    texts.push_back(message.value("content", ""));
  }
  return texts;
}

}  // namespace parley::integration
