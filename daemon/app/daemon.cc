#include "daemon/app/daemon.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "daemon/app/config.h"
#include "daemon/app/credentials.h"
#include "daemon/app/environment.h"
#include "daemon/app/flags.h"
#include "daemon/app/instance_lock.h"
#include "daemon/app/local_server.h"
#include "daemon/app/process.h"
#include "daemon/app/readiness.h"
#include "daemon/app/state_dir.h"
#include "daemon/app/status_reporter.h"
#include "daemon/app/store_binding.h"
#include "daemon/app/store_gate.h"
#include "daemon/app/token.h"
#include "daemon/app/version.h"
#include "daemon/base/check.h"
#include "daemon/base/logging.h"
#include "daemon/base/rng.h"
#include "daemon/platform/platform_monitor.h"
#include "daemon/rpc/listener.h"
#include "daemon/rpc/server.h"
#include "daemon/runtime/clock.h"
#include "daemon/runtime/commit_thread.h"
#include "daemon/runtime/core_loop.h"
#include "daemon/runtime/effect_router.h"
#include "daemon/runtime/engine_host.h"
#include "daemon/runtime/mailbox.h"
#include "daemon/runtime/timer_queue.h"
#include "daemon/storage/open.h"
#include "daemon/transport/lws_transport.h"
#include "daemon/wire/token_claims.h"

namespace parley::app {
namespace {

namespace logging = base::logging;

// For calls to be answered, and then for what they wrote to reach the disk.
constexpr absl::Duration kStopPatience = absl::Seconds(5);

// Seeds what is random, and names a new store. Not for keys.
uint64_t RandomNumber() {
  uint64_t number = 0;
  PARLEY_CHECK(getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

void PrintError(absl::string_view message) {
  const std::string line = absl::StrReplaceAll(message, {{"\n", " "}});
  std::fprintf(stderr, "parleyd: %s\n", line.c_str());
}

core::EngineOptions MakeEngineOptions(const Config& config) {
  core::EngineOptions options;
  const std::vector<std::string>& servers = config.server_urls.value;
  options.connection.server_urls = servers;
  options.connection.server_is_local =
      std::all_of(servers.begin(), servers.end(), IsLocalServer);
  options.connection.device.app_version = kVersion;
  options.connection.configured_user = model::UserId(config.user.value);
  options.outbox.max_entries = config.outbox_max_entries.value;
  options.outbox.max_bytes = config.outbox_max_bytes.value;
  options.outbox.max_answered_failures =
      static_cast<int>(config.outbox_max_answered_failures.value);
  options.outbox.ambiguous =
      config.outbox_ambiguous_sends.value == AmbiguousSends::kHold
          ? core::Outbox::AmbiguousPolicy::kHold
          : core::Outbox::AmbiguousPolicy::kResend;
  return options;
}

// The environment of the token's program is ours, but for what is between us
// and the service manager.
Credentials::Source MakeTokenSource(const Config& config) {
  Credentials::Source source;
  source.file = config.token_file.value;
  if (config.token_command.value.empty()) return source;
  source.command.emplace();
  source.command->arguments = config.token_command.value;
  std::map<std::string, std::string>& variables = source.command->environment;
  variables = ReadEnvironment().variables;
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
                           "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    variables.erase(name);
  }
  variables["PARLEY_PROFILE"] = config.profile;
  variables["PARLEY_SERVER_URL"] = config.server_urls.value[0];
  return source;
}

// Whom the token in the file names, as far as it can be read; the core says
// what is wrong with it when it needs it. No program is run for this: the core
// refuses another account's token too, but with the daemon already there.
model::UserId UserOfToken(const std::string& token_file) {
  if (token_file.empty()) return model::UserId();
  const absl::StatusOr<FileToken> token = ReadTokenFile(token_file);
  if (!token.ok()) return model::UserId();
  return wire::ReadTokenClaims(token->value.Reveal()).user;
}

absl::StatusOr<std::unique_ptr<rpc::Listener>> MakeListener(
    const std::string& socket_path) {
  rpc::Listener::Options options;
  options.socket_path = socket_path;
  auto passed = rpc::Listener::TakePassedSocket();
  if (!passed.ok()) return passed.status();
  if (passed->has_value()) {
    return rpc::Listener::Adopt(**std::move(passed), options);
  }
  return rpc::Listener::Bind(options);
}

// Opens the store, mended if need be, and makes sure that it is ours.
absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(
    const Config& config, const Dependencies& dependencies) {
  const PatienceRequest patience;
  const std::string& state_dir = config.paths.state_dir.value;
  absl::StatusOr<OpenedStore> opened =
      dependencies.open_store(state_dir + "/store");
  if (!opened.ok()) return opened.status();
  for (const std::string& notice : opened->notices) {
    logging::Warning("the store was recovered", {{"what", notice}});
  }
  storage::Store* const store = opened->store.get();
  const std::string store_id =
      absl::StrCat(absl::Hex(RandomNumber(), absl::kZeroPad16),
                   absl::Hex(RandomNumber(), absl::kZeroPad16));
  if (absl::Status status = storage::PrepareStore(store, store_id);
      !status.ok()) {
    return absl::Status(
        status.code(), absl::StrCat("cannot use the store in ", state_dir, ": ",
                                    status.message(), "; nothing was deleted"));
  }
  if (absl::Status status =
          BindStore(config.server_urls.value[0],
                    UserOfToken(config.token_file.value), state_dir, store);
      !status.ok()) {
    return status;
  }
  return std::move(opened->store);
}

// Everything that runs, in the order in which it is made; it is taken down the
// other way round.
//
//   NEW --Start--> SERVING --Stop--> STOPPED
//    '--- Start failed, or gave up half way: what there is just ends
//
// Belongs to the main thread.
class Daemon {
 public:
  Daemon(const Config& config, std::optional<int> ready_fd)
      : config_(config), readiness_(ready_fd) {}

  absl::Status Start(const Dependencies& dependencies, StopSignals* signals);
  void Stop();

 private:
  absl::Status PrepareFiles(const Dependencies& dependencies);
  void MakeParts(StopSignals* signals);

  const Config config_;
  const runtime::RealClock clock_;
  Readiness readiness_;
  std::optional<InstanceLock> lock_;
  std::unique_ptr<rpc::Listener> listener_;
  std::unique_ptr<storage::Store> store_;
  std::optional<StoreGate> gate_;

  runtime::Mailbox mailbox_{{}};
  runtime::TimerQueue timers_;
  std::optional<runtime::CommitThread> commits_;
  std::optional<rpc::RpcServer> rpc_;
  std::optional<StatusReporter> reporter_;
  std::unique_ptr<transport::LwsTransport> transport_;
  std::optional<Credentials> credentials_;
  std::optional<runtime::EffectRouter> router_;
  std::optional<runtime::EngineHost> host_;
  std::optional<runtime::CoreLoop> loop_;
  std::unique_ptr<platform::PlatformMonitor> platform_;
};

absl::Status Daemon::PrepareFiles(const Dependencies& dependencies) {
  const std::string& state_dir = config_.paths.state_dir.value;
  absl::StatusOr<bool> narrowed = MakePrivateDirectory(state_dir);
  if (!narrowed.ok()) return narrowed.status();
  if (*narrowed) {
    logging::Warning("others could enter the state directory; it was narrowed",
                     {{"directory", state_dir}});
  }
  absl::StatusOr<InstanceLock> lock = InstanceLock::Acquire(state_dir);
  if (!lock.ok()) return lock.status();
  lock_.emplace(*std::move(lock));
  auto listener = MakeListener(config_.paths.socket.value);
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  auto store = OpenStore(config_, dependencies);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  return absl::OkStatus();
}

void Daemon::MakeParts(StopSignals* signals) {
  gate_.emplace(store_.get());
  commits_.emplace(&*gate_, &mailbox_);
  rpc::RpcServer::Options rpc_options;
  rpc_options.info.version = kVersion;
  rpc_options.info.profile = config_.profile;
  rpc_options.info.started_at = clock_.Now().wall;
  rpc_options.request_shutdown = [signals] { signals->Request(); };
  rpc_.emplace(std::move(rpc_options));
  reporter_.emplace(&*rpc_, &readiness_);
  credentials_.emplace(MakeTokenSource(config_), &mailbox_);
  router_.emplace(runtime::EffectRouter::Ports{transport_.get(), &*credentials_,
                                               &*reporter_, &timers_});
  host_.emplace(MakeEngineOptions(config_), &*commits_, &*router_,
                base::Rng(RandomNumber()));
  runtime::CoreLoop::Options loop_options;
  loop_options.on_store_status = [this](const absl::Status& status) {
    rpc_->OnStoreStatus(status);
    reporter_->OnStoreStatus(status);
  };
  loop_.emplace(loop_options, &*host_, &mailbox_, &timers_, &clock_);
}

absl::Status Daemon::Start(const Dependencies& dependencies,
                           StopSignals* signals) {
  if (absl::Status status = PrepareFiles(dependencies); !status.ok()) {
    return status;
  }
  transport::LwsTransport::Options network;
  network.ca_file = config_.ca_file.value;
  network.proxies = MakeProxyRules(config_);
  auto transport = transport::LwsTransport::Create(network, &mailbox_);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  MakeParts(signals);
  if (absl::Status status = host_->Start(clock_.Now()); !status.ok()) {
    return absl::Status(
        status.code(), absl::StrCat("cannot read the store: ", status.message(),
                                    "; nothing was deleted"));
  }
  loop_->Start();
  const std::string socket_path = listener_->path();
  if (absl::Status status =
          rpc_->Start(std::move(listener_), &mailbox_, gate_->access());
      !status.ok()) {
    return status;
  }
  auto platform = platform::PlatformMonitor::Start({}, &mailbox_);
  if (!platform.ok()) return platform.status();
  platform_ = *std::move(platform);
  logging::Info("serving", {{"version", kVersion},
                            {"profile", config_.profile},
                            {"socket", socket_path},
                            {"server", config_.server_urls.value[0]},
                            {"state", config_.paths.state_dir.value}});
  readiness_.Serving();
  return absl::OkStatus();
}

void Daemon::Stop() {
  readiness_.Stopping();
  // Clients first, while the core still answers them; then the core, while the
  // disk still takes what it told them; then the socket, with a goodbye.
  rpc_->Stop(kStopPatience);
  const bool drained = loop_->Stop(kStopPatience);
  reporter_->Stop();
  transport_->Stop();
  platform_->Stop();
  credentials_->Stop();
  commits_->Stop();
  if (!drained) {
    logging::Warning(
        "stopped although the store had not confirmed everything; no call was "
        "told otherwise");
  }
}

int Run(const Flags& flags, const Dependencies& dependencies) {
  absl::StatusOr<Config> config = LoadConfig(flags, ReadEnvironment());
  if (!config.ok()) {
    PrintError(config.status().message());
    return 1;
  }
  if (flags.check_config) {
    std::fputs(DescribeConfig(*config).c_str(), stdout);
  }
  if (config->server_urls.value.empty()) {
    PrintError(absl::StrCat("no server is configured: set server_url in ",
                            config->paths.config.value,
                            ", or give --server-url"));
    return 1;
  }
  if (flags.check_config) return 0;
  if (flags.ready_fd.has_value() &&
      fcntl(*flags.ready_fd, F_SETFD, FD_CLOEXEC) != 0) {
    // Some file of ours would soon have that number, and get the line.
    PrintError(
        absl::StrCat("--ready-fd ", *flags.ready_fd, ": ", strerror(errno)));
    return 1;
  }
  logging::SetLevel(config->log_level.value);

  absl::StatusOr<StopSignals> signals = StopSignals::Install();
  if (!signals.ok()) {
    PrintError(signals.status().message());
    return 1;
  }
  Daemon daemon(*config, flags.ready_fd);
  if (absl::Status status = daemon.Start(dependencies, &*signals);
      !status.ok()) {
    PrintError(status.message());
    return 1;
  }
  const StopCause cause = signals->Wait();
  logging::Info("stopping", {{"because", cause == StopCause::kSignal
                                             ? "of a signal"
                                             : "a client asked for it"}});
  daemon.Stop();
  logging::Info("stopped");
  return 0;
}

}  // namespace

int DaemonMain(int argc, const char* const* argv,
               const Dependencies& dependencies) {
  HardenProcess();
  absl::StatusOr<Flags> flags = ParseFlags(argc, argv);
  if (!flags.ok()) {
    PrintError(flags.status().message());
    return 2;
  }
  if (flags->print.has_value()) {
    std::fputs(flags->print->c_str(), stdout);
    return 0;
  }
  try {
    return Run(*flags, dependencies);
  } catch (const std::system_error& error) {
    // What the standard library has to say when there is no thread to be had.
    PrintError(absl::StrCat("cannot start: ", error.what()));
    return 1;
  }
}

}  // namespace parley::app
