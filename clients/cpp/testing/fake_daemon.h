#ifndef CLIENTS_CPP_TESTING_FAKE_DAEMON_H_
#define CLIENTS_CPP_TESTING_FAKE_DAEMON_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/testing/temp_dir.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "parley/v1/daemon_service.grpc.pb.h"
#include "parley/v1/message_service.grpc.pb.h"
#include "parley/v1/outbox_service.grpc.pb.h"
#include "parley/v1/room_service.grpc.pb.h"
#include "parley/v1/sync_service.grpc.pb.h"

namespace parley::client {

// What a test lets a unary method do.
template <typename Request, typename Response>
using UnaryHandler = std::function<grpc::Status(const Request&, Response*)>;

// What a test lets a stream say: these responses at once, then the end.
template <typename Response>
struct FakeStream {
  std::vector<Response> responses;
  // Absent: the stream stays open until the daemon stops.
  std::optional<grpc::Status> end;
};

template <typename Request, typename Response>
using StreamHandler = std::function<FakeStream<Response>(const Request&)>;

// The methods of the daemon. What is not set is UNIMPLEMENTED. Called on
// gRPC's threads, several at a time.
struct FakeMethods {
  UnaryHandler<v1::GetStatusRequest, v1::GetStatusResponse> get_status;
  StreamHandler<v1::WatchStatusRequest, v1::WatchStatusResponse> watch_status;
  UnaryHandler<v1::ConnectRequest, v1::ConnectResponse> connect;
  UnaryHandler<v1::DisconnectRequest, v1::DisconnectResponse> disconnect;
  UnaryHandler<v1::SetCredentialsRequest, v1::SetCredentialsResponse>
      set_credentials;
  UnaryHandler<v1::SignOutRequest, v1::SignOutResponse> sign_out;

  UnaryHandler<v1::JoinRoomRequest, v1::JoinRoomResponse> join_room;
  UnaryHandler<v1::LeaveRoomRequest, v1::LeaveRoomResponse> leave_room;
  UnaryHandler<v1::ListRoomsRequest, v1::ListRoomsResponse> list_rooms;
  UnaryHandler<v1::GetRoomRequest, v1::GetRoomResponse> get_room;
  StreamHandler<v1::WatchRoomsRequest, v1::WatchRoomsResponse> watch_rooms;

  UnaryHandler<v1::SendMessageRequest, v1::SendMessageResponse> send_message;
  UnaryHandler<v1::ListMessagesRequest, v1::ListMessagesResponse> list_messages;
  StreamHandler<v1::WatchMessagesRequest, v1::WatchMessagesResponse>
      watch_messages;

  UnaryHandler<v1::ListOutboxRequest, v1::ListOutboxResponse> list_outbox;
  UnaryHandler<v1::GetOutboxEntryRequest, v1::GetOutboxEntryResponse>
      get_outbox_entry;
  UnaryHandler<v1::RetryMessageRequest, v1::RetryMessageResponse> retry_message;
  UnaryHandler<v1::CancelMessageRequest, v1::CancelMessageResponse>
      cancel_message;
  UnaryHandler<v1::FlushOutboxRequest, v1::FlushOutboxResponse> flush_outbox;
  StreamHandler<v1::WatchOutboxRequest, v1::WatchOutboxResponse> watch_outbox;

  UnaryHandler<v1::StartSyncRequest, v1::StartSyncResponse> start_sync;
  UnaryHandler<v1::CancelSyncRequest, v1::CancelSyncResponse> cancel_sync;
  UnaryHandler<v1::GetSyncStateRequest, v1::GetSyncStateResponse>
      get_sync_state;
  StreamHandler<v1::WatchSyncRequest, v1::WatchSyncResponse> watch_sync;

  UnaryHandler<grpc::health::v1::HealthCheckRequest,
               grpc::health::v1::HealthCheckResponse>
      health_check;
  StreamHandler<grpc::health::v1::HealthCheckRequest,
                grpc::health::v1::HealthCheckResponse>
      health_watch;
};

// A gRPC server on a Unix socket that says what a test told it to.
class FakeDaemon {
 public:
  // Serves on a socket of its own. Ends the process when that fails.
  explicit FakeDaemon(FakeMethods methods);
  FakeDaemon(FakeMethods methods, const std::string& socket_path);
  // Ends the open streams.
  ~FakeDaemon();

  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const std::string& socket_path() const { return socket_path_; }

 private:
  class Services;

  TempDir dir_;
  std::string socket_path_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
};

// An error as the daemon sends them.
grpc::Status DaemonError(grpc::StatusCode code, absl::string_view reason,
                         absl::string_view message,
                         std::optional<absl::Duration> retry_after = {});

}  // namespace parley::client

#endif  // CLIENTS_CPP_TESTING_FAKE_DAEMON_H_
