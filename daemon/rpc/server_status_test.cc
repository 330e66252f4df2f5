// The unary methods of the daemon itself, over a real socket.

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

namespace v1 = ::parley::v1;
using ::testing::HasSubstr;
using ::testing::Not;

class ServerStatusTest : public EdgeTest {
 protected:
  void SetUp() override { StartServer(); }

  template <typename Command>
  bool LastCommandIs() {
    const auto commands = core_.commands();
    return !commands.empty() &&
           std::holds_alternative<Command>(commands.back());
  }
};

TEST_F(ServerStatusTest, GetStatus) {
  core::StatusReply reply;
  reply.status.connection.state = model::ConnectionState::kReady;
  reply.status.outbox.queued = 3;
  AnswerWith(core::ReplyBody(reply));
  Call call;
  v1::GetStatusResponse response;
  ASSERT_TRUE(daemon_->GetStatus(&call, {}, &response).ok());
  const v1::DaemonStatus& status = response.status();
  EXPECT_EQ(status.version(), "1.2.3");
  EXPECT_EQ(status.profile(), "work");
  EXPECT_GT(status.pid(), 0);
  EXPECT_EQ(status.started_at().seconds(), 1600000000);
  EXPECT_EQ(status.connection().state(), v1::CONNECTION_STATE_READY);
  EXPECT_EQ(status.outbox().queued(), 3);
  EXPECT_EQ(status.store().state(), v1::STORE_STATE_SERVING);
  EXPECT_EQ(status.store().store_id(), "store-1");
  EXPECT_EQ(status.store().schema_version(), 1);
  EXPECT_EQ(status.clients().connections(), 1);
  EXPECT_EQ(status.clients().max_connections(), 512);
  EXPECT_EQ(status.clients().streams(), 0);
  EXPECT_EQ(status.clients().max_streams(), 1024);
}

TEST_F(ServerStatusTest, GetStatusAnswersWhileTheStoreIsDown) {
  const absl::Status full =
      model::MakeError(absl::StatusCode::kResourceExhausted,
                       model::ErrorReason::kStoreFull, "the disk is full");
  AnswerWith(full);
  store_.SetDown(full);
  v1::GetStatusResponse response;
  Call before;  // nothing is known yet
  EXPECT_EQ(ReasonOf(daemon_->GetStatus(&before, {}, &response)), "STORE_FULL");

  model::CoreStatus core;
  core.connection.state = model::ConnectionState::kWaiting;
  server_->OnStatus(core);
  server_->OnStoreStatus(full);
  ASSERT_TRUE(WaitFor([&] {
    Call call;
    return daemon_->GetStatus(&call, {}, &response).ok();
  }));
  EXPECT_EQ(response.status().connection().state(),
            v1::CONNECTION_STATE_WAITING);
  EXPECT_EQ(response.status().store().state(), v1::STORE_STATE_FULL);
  EXPECT_EQ(response.status().store().error(), "the disk is full");

  server_->OnStoreStatus(absl::UnavailableError("an input/output error"));
  store_.SetDown(absl::OkStatus());
  ASSERT_TRUE(WaitFor([&] {
    Call call;
    EXPECT_TRUE(daemon_->GetStatus(&call, {}, &response).ok());
    return response.status().store().state() == v1::STORE_STATE_FAILED;
  }));
  EXPECT_EQ(response.status().store().store_id(), "store-1");
}

TEST_F(ServerStatusTest, ReadsSayWhyTheStoreIsDown) {
  store_.SetDown(model::MakeError(absl::StatusCode::kUnavailable,
                                  model::ErrorReason::kStoreFailed,
                                  "recovering"));
  Call rooms;
  v1::ListRoomsResponse rooms_response;
  const grpc::Status status = rooms_->ListRooms(&rooms, {}, &rooms_response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "STORE_FAILED");
  EXPECT_EQ(status.error_message(), "recovering");
  Call outbox;
  v1::ListOutboxResponse outbox_response;
  EXPECT_EQ(ReasonOf(outbox_->ListOutbox(&outbox, {}, &outbox_response)),
            "STORE_FAILED");
}

TEST_F(ServerStatusTest, GetCapabilities) {
  core::StatusReply reply;
  reply.status.capabilities.dialect = model::Dialect::kFull;
  reply.status.capabilities.ordered_window = 16;
  AnswerWith(core::ReplyBody(reply));
  Call call;
  v1::GetCapabilitiesResponse response;
  ASSERT_TRUE(daemon_->GetCapabilities(&call, {}, &response).ok());
  EXPECT_EQ(response.server().dialect(), v1::SERVER_DIALECT_FULL);
  EXPECT_EQ(response.server().ordered_window(), 16);
  EXPECT_EQ(response.limits().max_text_bytes(), 64 * 1024);
}

TEST_F(ServerStatusTest, ConnectAndDisconnect) {
  Call connect;
  v1::ConnectResponse connected;
  ASSERT_TRUE(daemon_->Connect(&connect, {}, &connected).ok());
  EXPECT_TRUE(LastCommandIs<core::Connect>());
  Call disconnect;
  v1::DisconnectResponse disconnected;
  ASSERT_TRUE(daemon_->Disconnect(&disconnect, {}, &disconnected).ok());
  EXPECT_TRUE(LastCommandIs<core::Disconnect>());
}

TEST_F(ServerStatusTest, SetCredentials) {
  v1::SetCredentialsRequest request;
  request.set_token(std::string(64 * 1024, 't'));
  Call call;
  v1::SetCredentialsResponse response;
  ASSERT_TRUE(daemon_->SetCredentials(&call, request, &response).ok());
  ASSERT_TRUE(LastCommandIs<core::SetCredentials>());
  EXPECT_EQ(
      std::get<core::SetCredentials>(core_.commands().back()).token.Reveal(),
      request.token());

  AnswerWith(model::MakeError(absl::StatusCode::kFailedPrecondition,
                              model::ErrorReason::kAccountMismatch,
                              "the token is for bob"));
  Call other;
  const grpc::Status status =
      daemon_->SetCredentials(&other, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "ACCOUNT_MISMATCH");
}

TEST_F(ServerStatusTest, WhatIsNoTokenIsRefusedWithoutQuotingIt) {
  for (const std::string& token :
       {std::string(), std::string(64 * 1024 + 1, 't'),
        std::string("secret secret"), std::string("secret\n"),
        std::string("\tsecret"), std::string("secret\0", 7),
        std::string("secret\x7f"), std::string("secret\u00e9")}) {
    v1::SetCredentialsRequest request;
    request.set_token(token);
    Call call;
    v1::SetCredentialsResponse response;
    const grpc::Status status =
        daemon_->SetCredentials(&call, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(FieldOf(status), "token");
    EXPECT_THAT(status.error_message(), Not(HasSubstr("secret")));
    EXPECT_THAT(status.error_details(), Not(HasSubstr("secret")));
  }
  EXPECT_TRUE(core_.commands().empty());
}

TEST_F(ServerStatusTest, SignOut) {
  AnswerWith(core::ReplyBody(core::SignOutReply{7}));
  Call plain;
  v1::SignOutResponse response;
  ASSERT_TRUE(daemon_->SignOut(&plain, {}, &response).ok());
  EXPECT_EQ(response.discarded_entries(), 7);
  auto command = std::get<core::SignOut>(core_.commands().back());
  EXPECT_FALSE(command.discard_outbox);
  EXPECT_FALSE(command.wipe_cache);

  v1::SignOutRequest request;
  request.set_discard_outbox(true);
  Call discard;
  ASSERT_TRUE(daemon_->SignOut(&discard, request, &response).ok());
  command = std::get<core::SignOut>(core_.commands().back());
  EXPECT_TRUE(command.discard_outbox);
  EXPECT_FALSE(command.wipe_cache);

  request.Clear();
  request.set_wipe_cache(true);
  Call wipe;
  ASSERT_TRUE(daemon_->SignOut(&wipe, request, &response).ok());
  command = std::get<core::SignOut>(core_.commands().back());
  EXPECT_FALSE(command.discard_outbox);
  EXPECT_TRUE(command.wipe_cache);
}

TEST_F(ServerStatusTest, ShutdownIsAskedForOnce) {
  for (int i = 0; i < 2; ++i) {
    Call call;
    v1::ShutdownResponse response;
    ASSERT_TRUE(daemon_->Shutdown(&call, {}, &response).ok());
  }
  EXPECT_TRUE(WaitFor([&] { return shutdown_requests_ == 1; }));
}

TEST_F(ServerStatusTest, CallsAreAnsweredInAnyOrder) {
  core_.SetHolding(true);
  std::vector<std::thread> callers;
  std::atomic<int> answered{0};
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([this, &answered] {
      Call call;
      v1::GetStatusResponse response;
      EXPECT_TRUE(daemon_->GetStatus(&call, {}, &response).ok());
      ++answered;
    });
  }
  EXPECT_TRUE(WaitFor([&] { return core_.held() == 8; }));
  // Reads do not wait for the core.
  Call call;
  v1::ListRoomsResponse response;
  EXPECT_TRUE(rooms_->ListRooms(&call, {}, &response).ok());
  EXPECT_EQ(answered, 0);
  core_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, 8);
}

}  // namespace
}  // namespace parley::rpc
