#include "tests/integration/harness/daemon.h"

#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace parley::integration {
namespace {

constexpr char kParleyctl[] = "clients/cli/parleyctl";

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  // A token that others can read is worth a warning to the daemon.
  if (!file || chmod(path.c_str(), 0600) != 0) {
    return absl::InternalError(absl::StrCat("cannot write ", path));
  }
  return absl::OkStatus();
}

CommandLine CtlCommand(const std::string& dir,
                       std::vector<std::string> arguments,
                       const std::string& stdin_text) {
  CommandLine command;
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin(), kParleyctl);
  command.environment = PrivateEnvironment(dir);
  command.stdin_text = stdin_text;
  return command;
}

}  // namespace

Daemon::Daemon(const std::string& dir, Options options)
    : dir_(dir), options_(std::move(options)) {}

absl::Status Daemon::Start() {
  absl::StatusOr<CommandLine> command = Prepare();
  if (!command.ok()) return command.status();
  command->arguments.push_back("--ready-fd");
  command->arguments.push_back("{ready_fd}");
  auto process = Process::Start(*command, dir_ + "/daemon.out", log_path(),
                                /*ready_fd=*/true);
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  if (!process_->WaitReady()) {
    process_.reset();
    return absl::InternalError(absl::StrCat("parleyd did not become ready: ",
                                            ReadTextFile(log_path())));
  }
  return absl::OkStatus();
}

absl::StatusOr<RunResult> Daemon::RunToEnd() {
  const absl::StatusOr<CommandLine> command = Prepare();
  if (!command.ok()) return command.status();
  return integration::RunToEnd(*command);
}

void Daemon::Kill() { process_.reset(); }

absl::StatusOr<ExitStatus> Daemon::Stop() {
  if (process_ == nullptr) return absl::FailedPreconditionError("not started");
  process_->Signal(SIGTERM);
  const std::optional<ExitStatus> status = process_->WaitForExit();
  process_.reset();
  if (!status.has_value()) {
    return absl::DeadlineExceededError("parleyd did not stop");
  }
  return *status;
}

client::Client& Daemon::client() {
  if (client_ == nullptr) {
    client::ClientOptions options;
    options.socket_path = socket_path();
    client_ = std::move(client::Client::Open(options)).value();
  }
  return *client_;
}

RunResult Daemon::Ctl(std::vector<std::string> arguments,
                      const std::string& stdin_text) const {
  arguments.push_back("--socket");
  arguments.push_back(socket_path());
  return RunCtl(dir_, std::move(arguments), stdin_text);
}

absl::StatusOr<nlohmann::json> Daemon::CtlJson(
    std::vector<std::string> arguments) const {
  arguments.push_back("--json");
  const RunResult result = Ctl(std::move(arguments));
  if (result.code != 0) {
    return absl::InternalError(
        absl::StrCat("parleyctl ended with ", result.code, ": ", result.err));
  }
  nlohmann::json json = nlohmann::json::parse(result.out, nullptr,
                                              /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return absl::InternalError(absl::StrCat("no JSON: ", result.out));
  }
  return json;
}

absl::StatusOr<std::unique_ptr<Process>> Daemon::StartCtl(
    std::vector<std::string> arguments, const std::string& stdout_path) const {
  arguments.push_back("--socket");
  arguments.push_back(socket_path());
  return Process::Start(CtlCommand(dir_, std::move(arguments), ""), stdout_path,
                        stdout_path + ".err");
}

absl::StatusOr<CommandLine> Daemon::Prepare() const {
  const std::string config_path = dir_ + "/config.toml";
  const std::string token_path = dir_ + "/token";
  absl::Status written = WriteFile(config_path, options_.config);
  CommandLine command;
  command.environment = PrivateEnvironment(dir_);
  command.arguments = {options_.program, "--config",    config_path, "--socket",
                       socket_path(),    "--state-dir", state_dir()};
  if (!options_.server_url.empty()) {
    command.arguments.push_back("--server-url");
    command.arguments.push_back(options_.server_url);
  }
  if (!options_.token.empty()) {
    written.Update(WriteFile(token_path, options_.token));
    command.arguments.push_back("--token-file");
    command.arguments.push_back(token_path);
  }
  if (!written.ok()) return written;
  command.arguments.insert(command.arguments.end(), options_.flags.begin(),
                           options_.flags.end());
  return command;
}

std::vector<std::string> PrivateEnvironment(const std::string& dir) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> environment = {
      absl::StrCat("PATH=", path == nullptr ? "/usr/bin:/bin" : path),
      absl::StrCat("HOME=", dir)};
  for (const char* name : {"CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR"}) {
    environment.push_back(absl::StrCat("XDG_", name, "=", dir));
  }
  return environment;
}

RunResult RunCtl(const std::string& dir, std::vector<std::string> arguments,
                 const std::string& stdin_text) {
  absl::StatusOr<RunResult> result =
      integration::RunToEnd(CtlCommand(dir, std::move(arguments), stdin_text));
  if (!result.ok()) {
    RunResult failed;
    failed.err = std::string(result.status().message());
    return failed;
  }
  return *std::move(result);
}

}  // namespace parley::integration
