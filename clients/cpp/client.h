#ifndef CLIENTS_CPP_CLIENT_H_
#define CLIENTS_CPP_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/errors.h"
#include "clients/cpp/socket_path.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "parley/v1/daemon_service.grpc.pb.h"
#include "parley/v1/message_service.grpc.pb.h"
#include "parley/v1/outbox_service.grpc.pb.h"
#include "parley/v1/room_service.grpc.pb.h"
#include "parley/v1/sync_service.grpc.pb.h"

namespace parley::client {

// Which daemon to talk to.
struct ClientOptions {
  // The path of its socket. Empty: that of the profile, below
  // $XDG_RUNTIME_DIR.
  std::string socket_path;
  std::string profile = std::string(kDefaultProfile);
};

// The services of the daemon. Interfaces, so that a test can put mocks in
// their place (clients/cpp/testing/mock_stubs.h).
struct Stubs {
  std::unique_ptr<v1::DaemonService::StubInterface> daemon;
  std::unique_ptr<v1::RoomService::StubInterface> rooms;
  std::unique_ptr<v1::MessageService::StubInterface> messages;
  std::unique_ptr<v1::OutboxService::StubInterface> outbox;
  std::unique_ptr<v1::SyncService::StubInterface> sync;
  std::unique_ptr<grpc::health::v1::Health::StubInterface> health;
};

// A connection to the daemon of a profile, with the stubs of its services.
//
//   auto client = parley::client::Client::Open({});
//   if (!client.ok()) ...
//   grpc::ClientContext context;
//   parley::v1::GetStatusRequest request;
//   parley::v1::GetStatusResponse response;
//   grpc::Status status =
//       (*client)->daemon().GetStatus(&context, request, &response);
//
// The connection is made by the first call and again after the daemon was
// restarted; a call fails with UNAVAILABLE at once when there is no daemon,
// unless its context says `set_wait_for_ready(true)`. Deadlines are the
// caller's: without one a call to a stopped process waits for ever.
//
// Any number of threads may use one client.
class Client {
 public:
  // Does not connect. Fails where ProfileSocketPath and ValidateSocketPath do.
  static absl::StatusOr<std::unique_ptr<Client>> Open(
      const ClientOptions& options);

  // With stubs of the caller's, for tests; a stub that is not used may be
  // null.
  explicit Client(Stubs stubs, absl::string_view socket_path = "");

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  v1::DaemonService::StubInterface& daemon() { return *stubs_.daemon; }
  v1::RoomService::StubInterface& rooms() { return *stubs_.rooms; }
  v1::MessageService::StubInterface& messages() { return *stubs_.messages; }
  v1::OutboxService::StubInterface& outbox() { return *stubs_.outbox; }
  v1::SyncService::StubInterface& sync() { return *stubs_.sync; }
  grpc::health::v1::Health::StubInterface& health() { return *stubs_.health; }

  const std::string& socket_path() const { return socket_path_; }

 private:
  const Stubs stubs_;
  const std::string socket_path_;
};

// What gRPC calls the Unix socket at a path: a URI, so that some bytes are
// written as %XX.
std::string ChannelTarget(absl::string_view socket_path);

}  // namespace parley::client

#endif  // CLIENTS_CPP_CLIENT_H_
