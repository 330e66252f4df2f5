#include "clients/cpp/testing/fake_daemon.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace parley::client {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

grpc::Status NotSet() {
  return grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                      "the test did not say what to answer");
}

}  // namespace

// The services of one daemon: thin, the answers are in FakeMethods.
class FakeDaemon::Services {
 public:
  explicit Services(FakeMethods methods)
      : methods_(std::move(methods)),
        daemon_(this),
        rooms_(this),
        messages_(this),
        outbox_(this),
        sync_(this),
        health_(this) {}

  void Register(grpc::ServerBuilder* builder) {
    builder->RegisterService(&daemon_);
    builder->RegisterService(&rooms_);
    builder->RegisterService(&messages_);
    builder->RegisterService(&outbox_);
    builder->RegisterService(&sync_);
    builder->RegisterService(&health_);
  }

  void Stop() { stopped_.Notify(); }

 private:
  template <typename Request, typename Response>
  static grpc::Status Answer(const UnaryHandler<Request, Response>& handler,
                             const Request* request, Response* response) {
    return handler ? handler(*request, response) : NotSet();
  }

  template <typename Request, typename Response>
  grpc::Status Stream(const StreamHandler<Request, Response>& handler,
                      const Request* request,
                      grpc::ServerWriter<Response>* writer) {
    if (!handler) return NotSet();
    const FakeStream<Response> stream = handler(*request);
    for (const Response& response : stream.responses) writer->Write(response);
    if (stream.end.has_value()) return *stream.end;
    stopped_.WaitForNotification();
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopped");
  }

#define PARLEY_FAKE_UNARY(method, handler)                                 \
  grpc::Status method(grpc::ServerContext*, const v1::method##Request* in, \
                      v1::method##Response* out) override {                \
    return Answer(all_->methods_.handler, in, out);                        \
  }
#define PARLEY_FAKE_STREAM(method, handler)                                \
  grpc::Status method(grpc::ServerContext*, const v1::method##Request* in, \
                      grpc::ServerWriter<v1::method##Response>* out)       \
      override {                                                           \
    return all_->Stream(all_->methods_.handler, in, out);                  \
  }

  class Daemon final : public v1::DaemonService::Service {
   public:
    explicit Daemon(Services* all) : all_(all) {}
    PARLEY_FAKE_UNARY(GetStatus, get_status)
    PARLEY_FAKE_STREAM(WatchStatus, watch_status)
    PARLEY_FAKE_UNARY(Connect, connect)
    PARLEY_FAKE_UNARY(Disconnect, disconnect)
    PARLEY_FAKE_UNARY(SetCredentials, set_credentials)
    PARLEY_FAKE_UNARY(SignOut, sign_out)

   private:
    Services* const all_;
  };

  class Rooms final : public v1::RoomService::Service {
   public:
    explicit Rooms(Services* all) : all_(all) {}
    PARLEY_FAKE_UNARY(JoinRoom, join_room)
    PARLEY_FAKE_UNARY(LeaveRoom, leave_room)
    PARLEY_FAKE_UNARY(ListRooms, list_rooms)
    PARLEY_FAKE_UNARY(GetRoom, get_room)
    PARLEY_FAKE_STREAM(WatchRooms, watch_rooms)

   private:
    Services* const all_;
  };

  class Messages final : public v1::MessageService::Service {
   public:
    explicit Messages(Services* all) : all_(all) {}
    PARLEY_FAKE_UNARY(SendMessage, send_message)
    PARLEY_FAKE_UNARY(ListMessages, list_messages)
    PARLEY_FAKE_STREAM(WatchMessages, watch_messages)

   private:
    Services* const all_;
  };

  class Outbox final : public v1::OutboxService::Service {
   public:
    explicit Outbox(Services* all) : all_(all) {}
    PARLEY_FAKE_UNARY(ListOutbox, list_outbox)
    PARLEY_FAKE_UNARY(GetOutboxEntry, get_outbox_entry)
    PARLEY_FAKE_UNARY(RetryMessage, retry_message)
    PARLEY_FAKE_UNARY(CancelMessage, cancel_message)
    PARLEY_FAKE_UNARY(FlushOutbox, flush_outbox)
    PARLEY_FAKE_STREAM(WatchOutbox, watch_outbox)

   private:
    Services* const all_;
  };

  class Sync final : public v1::SyncService::Service {
   public:
    explicit Sync(Services* all) : all_(all) {}
    PARLEY_FAKE_UNARY(StartSync, start_sync)
    PARLEY_FAKE_UNARY(CancelSync, cancel_sync)
    PARLEY_FAKE_UNARY(GetSyncState, get_sync_state)
    PARLEY_FAKE_STREAM(WatchSync, watch_sync)

   private:
    Services* const all_;
  };

#undef PARLEY_FAKE_UNARY
#undef PARLEY_FAKE_STREAM

  class HealthService final : public Health::Service {
   public:
    explicit HealthService(Services* all) : all_(all) {}
    grpc::Status Check(grpc::ServerContext*, const HealthCheckRequest* in,
                       HealthCheckResponse* out) override {
      return Answer(all_->methods_.health_check, in, out);
    }
    grpc::Status Watch(grpc::ServerContext*, const HealthCheckRequest* in,
                       grpc::ServerWriter<HealthCheckResponse>* out) override {
      return all_->Stream(all_->methods_.health_watch, in, out);
    }

   private:
    Services* const all_;
  };

  const FakeMethods methods_;
  absl::Notification stopped_;
  Daemon daemon_;
  Rooms rooms_;
  Messages messages_;
  Outbox outbox_;
  Sync sync_;
  HealthService health_;
};

FakeDaemon::FakeDaemon(FakeMethods methods)
    : FakeDaemon(std::move(methods), "") {}

FakeDaemon::FakeDaemon(FakeMethods methods, const std::string& socket_path)
    : socket_path_(socket_path.empty() ? dir_.path() + "/daemon.sock"
                                       : socket_path),
      services_(std::make_unique<Services>(std::move(methods))) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path_,
                           grpc::InsecureServerCredentials());
  services_->Register(&builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    std::fprintf(stderr, "cannot serve on %s\n", socket_path_.c_str());
    std::abort();
  }
}

FakeDaemon::~FakeDaemon() {
  services_->Stop();
  server_->Shutdown();
}

grpc::Status DaemonError(grpc::StatusCode code, absl::string_view reason,
                         absl::string_view message,
                         std::optional<absl::Duration> retry_after) {
  google::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(std::string(message));
  google::rpc::ErrorInfo info;
  info.set_domain("parley");
  info.set_reason(std::string(reason));
  rich.add_details()->PackFrom(info);
  if (retry_after.has_value()) {
    google::rpc::RetryInfo retry;
    const int64_t nanos = absl::ToInt64Nanoseconds(*retry_after);
    retry.mutable_retry_delay()->set_seconds(nanos / 1000000000);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(nanos % 1000000000));
    rich.add_details()->PackFrom(retry);
  }
  return grpc::Status(code, std::string(message), rich.SerializeAsString());
}

}  // namespace parley::client
