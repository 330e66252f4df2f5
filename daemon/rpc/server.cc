#include "daemon/rpc/server.h"

#include <grpc/grpc.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <chrono>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "daemon/base/check.h"
#include "daemon/base/logging.h"
#include "daemon/rpc/errors.h"
#include "daemon/rpc/health_service.h"
#include "daemon/rpc/message_service.h"
#include "daemon/rpc/outbox_service.h"
#include "daemon/rpc/room_service.h"
#include "daemon/rpc/sync_service.h"

namespace parley::rpc {
namespace {

namespace logging = base::logging;

// HTTP/2 has a client wait, without telling it, for a stream above this number;
// so it lies above what the daemon refuses in words.
constexpr int kMaxStreamsPerConnection = 4096;
// A backstop for what all connections together may buffer of requests.
constexpr size_t kMaxBufferedBytes = 256 * 1024 * 1024;
// Clients may ping, but not to keep the daemon awake.
constexpr int kMinClientPingIntervalMs = 10 * 1000;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// Server reflection is the one service of gRPC's own here. It is synchronous:
// its thread waits for a call most of the time, and this is how long at a time.
constexpr int kReflectionPollMs = 60 * 60 * 1000;

// gRPC's own shutdown, with its last user, waits for a helper thread that may
// sleep for ten seconds when a client had stopped reading. A process that ends
// has no use for it.
void KeepGrpcUntilExit() {
  static const bool kept = (grpc_init(), true);
  (void)kept;
}

}  // namespace

RpcServer::RpcServer(Options options) : options_(std::move(options)) {}

RpcServer::~RpcServer() { Stop(absl::ZeroDuration()); }

std::unique_ptr<grpc::Server> RpcServer::BuildServer() {
  grpc::ServerBuilder builder;
  for (const auto& service : services_) {
    builder.RegisterService(service->grpc_service());
  }
  queue_ = builder.AddCompletionQueue();
  builder.SetMaxReceiveMessageSize(model::kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             Milliseconds(options_.keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             Milliseconds(options_.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      kMinClientPingIntervalMs);
  builder.SetResourceQuota(
      grpc::ResourceQuota("clients").Resize(kMaxBufferedBytes));
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::CQ_TIMEOUT_MSEC,
                              kReflectionPollMs);
  return builder.BuildAndStart();
}

absl::Status RpcServer::Start(std::unique_ptr<Listener> listener,
                              runtime::EventSink* core, StoreAccess* store) {
  PARLEY_CHECK(server_ == nullptr && !stopped_);
  KeepGrpcUntilExit();
  listener_ = std::move(listener);
  Listener* const accepting = listener_.get();
  services_.push_back(
      std::make_unique<DaemonServiceImpl>(DaemonServiceImpl::Options{
          options_.info,
          [accepting] {
            return ConnectionCount{accepting->connections(),
                                   accepting->max_connections()};
          },
          [this](const std::string& peer) { ShutDown(peer); }}));
  services_.push_back(std::make_unique<RoomServiceImpl>());
  services_.push_back(std::make_unique<MessageServiceImpl>());
  services_.push_back(std::make_unique<OutboxServiceImpl>());
  services_.push_back(std::make_unique<SyncServiceImpl>());
  services_.push_back(std::make_unique<HealthServiceImpl>(std::set<std::string>{
      v1::DaemonService::service_full_name(),
      v1::RoomService::service_full_name(),
      v1::MessageService::service_full_name(),
      v1::OutboxService::service_full_name(),
      v1::SyncService::service_full_name(),
  }));
  server_ = BuildServer();
  if (server_ == nullptr) {
    stopped_ = true;
    return absl::InternalError("gRPC did not start; its log says why");
  }
  calls_.emplace(core, options_.max_calls);
  streams_.emplace(options_.streams, store, queue_.get());
  const Edge edge{queue_.get(), store,
                  &*calls_,     &live_,
                  &*streams_,   [this] { return phase_ == Phase::kServing; }};
  for (const auto& service : services_) service->Serve(edge);
  thread_ = std::thread([this] { Run(); });
  inbox_.Attach(queue_.get(), static_cast<Completion*>(&inbox_tag_));
  listener_->Start(
      [this](int fd) { grpc::AddInsecureChannelFromFd(server_.get(), fd); });
  logging::Info("serving clients", {{"socket", listener_->path()}});
  return absl::OkStatus();
}

void RpcServer::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    static_cast<Completion*>(tag)->OnComplete(ok);
    TellIfIdle();
  }
}

void RpcServer::ReadInbox() {
  Inbox::Mail mail = inbox_.Take();
  if (mail.status.has_value()) live_.SetCore(*mail.status);
  if (mail.store.has_value()) live_.SetStore(*mail.store);
  for (auto& [call, result] : mail.replies) {
    calls_->Deliver(call, std::move(result));
  }
  if (mail.feed_advanced || mail.status.has_value() || mail.store.has_value()) {
    streams_->PumpAll();
  }
  if (mail.drain) EnterPhase(Phase::kDraining);
  if (mail.close) EnterPhase(Phase::kClosed);
}

void RpcServer::EnterPhase(Phase phase) {
  phase_ = phase;
  if (phase == Phase::kDraining) {
    streams_->Close(ShuttingDownError());
    calls_->Refuse(ShuttingDownError());
  } else {
    calls_->Close(ShuttingDownError());
  }
}

void RpcServer::TellIfIdle() {
  if (phase_ == Phase::kServing || calls_->waiting() > 0) return;
  base::MutexLock lock(&mutex_);
  if (idle_) return;
  idle_ = true;
  idle_changed_.SignalAll();
}

bool RpcServer::WaitUntilIdle(absl::Duration timeout) {
  const base::MonotonicTime until = MonotonicNow() + timeout;
  base::MutexLock lock(&mutex_);
  while (!idle_) {
    const absl::Duration left = until - MonotonicNow();
    if (left <= absl::ZeroDuration()) return false;
    idle_changed_.WaitFor(&mutex_, left);
  }
  return true;
}

void RpcServer::ShutDown(const std::string& peer) {
  const std::optional<Peer> who = listener_->FindPeer(peer);
  logging::Info("a client asks to stop",
                {{"pid", who ? who->pid : 0}, {"uid", who ? who->uid : 0}});
  options_.request_shutdown();
}

void RpcServer::Stop(absl::Duration deadline) {
  if (std::exchange(stopped_, true) || server_ == nullptr) return;
  const auto until =
      std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline);
  listener_->Stop();
  inbox_.AddDrain();
  if (!WaitUntilIdle(deadline / 2)) inbox_.AddClose();
  server_->Shutdown(until);
  // No call is left, so nothing but the alarms uses the queue.
  inbox_.Detach();
  queue_->Shutdown();
  thread_.join();
}

void RpcServer::OnReply(core::CallId call,
                        absl::StatusOr<core::ReplyBody> result) {
  inbox_.AddReply(call, std::move(result));
}

void RpcServer::OnFeedAdvanced(model::ChangeSeq last) {
  inbox_.AddFeedAdvanced();
}

void RpcServer::OnStatus(const model::CoreStatus& status) {
  inbox_.AddStatus(status);
}

void RpcServer::OnStoreStatus(const absl::Status& status) {
  inbox_.AddStoreStatus(status);
}

}  // namespace parley::rpc
