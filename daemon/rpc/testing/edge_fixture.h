#ifndef DAEMON_RPC_TESTING_EDGE_FIXTURE_H_
#define DAEMON_RPC_TESTING_EDGE_FIXTURE_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/model/connection.h"
#include "daemon/rpc/listener.h"
#include "daemon/rpc/server.h"
#include "daemon/rpc/testing/fake_core.h"
#include "daemon/rpc/testing/test_store.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "parley/v1/daemon_service.grpc.pb.h"
#include "parley/v1/message_service.grpc.pb.h"
#include "parley/v1/outbox_service.grpc.pb.h"
#include "parley/v1/room_service.grpc.pb.h"
#include "parley/v1/sync_service.grpc.pb.h"

namespace parley::rpc {

// Long enough for a slow machine; a test that waits this long fails.
inline constexpr std::chrono::seconds kPatience(30);

// A folder with a name that is short enough for a socket in it.
class SocketDir {
 public:
  SocketDir();
  ~SocketDir();
  std::string path(const std::string& name) const { return dir_ + "/" + name; }

 private:
  std::string dir_;
};

// Waits until `condition` is true; false when it never is.
bool WaitFor(const std::function<bool()>& condition);

// The reason in an error's one ErrorInfo. A failure when there is not exactly
// one.
std::string ReasonOf(const grpc::Status& status);
// The field in its BadRequest; empty when it has none.
std::string FieldOf(const grpc::Status& status);
bool HasRetryInfo(const grpc::Status& status);

// A client's call, with a deadline so that no test hangs.
class Call : public grpc::ClientContext {
 public:
  Call() { set_deadline(std::chrono::system_clock::now() + kPatience); }
};

// Client and server over a real Unix socket, with a scripted core and a store
// in memory.
class EdgeTest : public ::testing::Test {
 protected:
  EdgeTest();
  ~EdgeTest() override;

  // Options may be changed before this.
  void StartServer();
  // A connection of its own.
  std::shared_ptr<grpc::Channel> Connect();
  // The core's answer to every command from now on.
  void AnswerWith(absl::StatusOr<core::ReplyBody> reply);
  // After a write to the store: tells the streams.
  void Announce() { server_->OnFeedAdvanced(model::ChangeSeq(1)); }

  SocketDir dir_;
  TestStore store_;
  FakeCore core_;
  RpcServer::Options options_;
  Listener::Options listener_options_;
  std::atomic<int> shutdown_requests_{0};

  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<parley::v1::DaemonService::Stub> daemon_;
  std::unique_ptr<parley::v1::RoomService::Stub> rooms_;
  std::unique_ptr<parley::v1::MessageService::Stub> messages_;
  std::unique_ptr<parley::v1::OutboxService::Stub> outbox_;
  std::unique_ptr<parley::v1::SyncService::Stub> sync_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_TESTING_EDGE_FIXTURE_H_
