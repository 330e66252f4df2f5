// The server as a whole: connections, health, reflection, stopping.

#include "daemon/rpc/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/testing/edge_fixture.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

namespace v1 = ::parley::v1;
using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class ServerTest : public EdgeTest {
 protected:
  grpc::Status GetStatus(v1::DaemonService::Stub* stub,
                         v1::GetStatusResponse* response) {
    Call call;
    return stub->GetStatus(&call, {}, response);
  }
};

// --- Connections -------------------------------------------------------------

TEST_F(ServerTest, ConnectionsOfOneProcessAreCapped) {
  listener_options_.max_connections_per_process = 3;
  StartServer();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  v1::GetStatusResponse response;
  for (int i = 1; i <= 3; ++i) {
    channels.push_back(Connect());
    const auto stub = v1::DaemonService::NewStub(channels.back());
    ASSERT_TRUE(GetStatus(stub.get(), &response).ok());
    EXPECT_EQ(response.status().clients().connections(), i);
  }
  const auto one_too_many = v1::DaemonService::NewStub(Connect());
  const grpc::Status status = GetStatus(one_too_many.get(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");

  channels.pop_back();
  const auto next = v1::DaemonService::NewStub(Connect());
  EXPECT_TRUE(WaitFor([&] { return GetStatus(next.get(), &response).ok(); }));
}

TEST_F(ServerTest, AConnectionThatSaysNothingIsDropped) {
  options_.keepalive_interval = absl::Milliseconds(200);
  options_.keepalive_timeout = absl::Milliseconds(200);
  StartServer();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const runtime::UniqueFd silent(fd);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  listener_options_.socket_path.copy(address.sun_path,
                                     sizeof(address.sun_path) - 1);
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
            0);
  EXPECT_TRUE(WaitFor([&] {
    char buffer[256];
    return ::recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) == 0;
  }));
}

TEST_F(ServerTest, CallsInFlightAreCapped) {
  options_.max_calls = 2;
  StartServer();
  core_.SetHolding(true);
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([this] {
      v1::GetStatusResponse response;
      EXPECT_TRUE(GetStatus(daemon_.get(), &response).ok());
    });
  }
  ASSERT_TRUE(WaitFor([&] { return core_.held() == 2; }));
  v1::GetStatusResponse response;
  const grpc::Status status = GetStatus(daemon_.get(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), "TOO_MANY_REQUESTS");
  core_.Release();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(ServerTest, ACallerThatLeavesHarmsNobody) {
  StartServer();
  core_.SetHolding(true);
  Call call;
  std::thread caller([&] {
    v1::GetStatusResponse response;
    EXPECT_EQ(daemon_->GetStatus(&call, {}, &response).error_code(),
              grpc::StatusCode::CANCELLED);
  });
  ASSERT_TRUE(WaitFor([&] { return core_.held() == 1; }));
  call.TryCancel();
  caller.join();
  core_.SetHolding(false);
  core_.Release();
  v1::GetStatusResponse response;
  EXPECT_TRUE(GetStatus(daemon_.get(), &response).ok());
}

TEST_F(ServerTest, UnknownMethodsAreUnimplemented) {
  StartServer();
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  Call call;
  const auto method =
      stub.PrepareUnaryCall(&call, "/parley.v1.DaemonService/FlyToTheMoon",
                            grpc::ByteBuffer(), &queue);
  method->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  method->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ServerTest, WhatIsToldBeforeTheStartIsNotLost) {
  auto listener = Listener::Bind(listener_options_);
  ASSERT_TRUE(listener.ok());
  RpcServer server(options_);
  core_.SetClients(&server);
  model::CoreStatus core;
  core.connection.state = model::ConnectionState::kReady;
  server.OnStatus(core);
  ASSERT_TRUE(server.Start(*std::move(listener), &core_, &store_).ok());
  const auto stub = v1::DaemonService::NewStub(Connect());
  Call call;
  const auto reader = stub->WatchStatus(&call, {});
  v1::WatchStatusResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.updates(0).connection().state(),
            v1::CONNECTION_STATE_READY);
  server.Stop(absl::Seconds(5));
}

// --- Health ------------------------------------------------------------------

class HealthTest : public ServerTest {
 protected:
  void SetUp() override {
    StartServer();
    health_ = Health::NewStub(channel_);
  }
  grpc::Status Check(const std::string& service,
                     HealthCheckResponse* response) {
    Call call;
    HealthCheckRequest request;
    request.set_service(service);
    return health_->Check(&call, request, response);
  }
  HealthCheckResponse::ServingStatus Check(const std::string& service) {
    HealthCheckResponse response;
    const grpc::Status status = Check(service, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }
  void AnswerWithState(model::ConnectionState state) {
    core::StatusReply reply;
    reply.status.connection.state = state;
    AnswerWith(core::ReplyBody(reply));
  }

  std::unique_ptr<Health::Stub> health_;
};

TEST_F(HealthTest, ServicesServeAlsoWhileDisconnected) {
  AnswerWithState(model::ConnectionState::kWaiting);
  for (const char* service :
       {"", "parley.v1.DaemonService", "parley.v1.RoomService",
        "parley.v1.MessageService", "parley.v1.OutboxService",
        "parley.v1.SyncService"}) {
    EXPECT_EQ(Check(service), HealthCheckResponse::SERVING) << service;
  }
  EXPECT_EQ(Check("parley.upstream"), HealthCheckResponse::NOT_SERVING);
  for (const model::ConnectionState connected :
       {model::ConnectionState::kCatchingUp, model::ConnectionState::kReady}) {
    AnswerWithState(connected);
    EXPECT_EQ(Check("parley.upstream"), HealthCheckResponse::SERVING);
  }
}

TEST_F(HealthTest, ARefusalThatQuotesMuchStillHasItsReason) {
  std::string service;
  for (int i = 0; i < 100000; ++i) service += "\u20ac";
  HealthCheckResponse response;
  const grpc::Status status = Check(service, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");
}

TEST_F(HealthTest, NothingServesWithoutTheStore) {
  AnswerWithState(model::ConnectionState::kReady);
  store_.SetDown(absl::UnavailableError("recovering"));
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("parley.v1.RoomService"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("parley.upstream"), HealthCheckResponse::SERVING);
}

TEST_F(HealthTest, NothingServesWithoutTheCore) {
  core_.SetFull(true);
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("parley.upstream"), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthTest, UnknownServices) {
  HealthCheckResponse response;
  const grpc::Status status = Check("parley.v1.Nonsense", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "NOT_FOUND");

  Call call;
  HealthCheckRequest request;
  request.set_service("parley.v1.Nonsense");
  const auto reader = health_->Watch(&call, request);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  call.TryCancel();
}

TEST_F(HealthTest, WatchTellsEachChange) {
  Call call;
  HealthCheckRequest request;
  request.set_service("parley.upstream");
  const auto reader = health_->Watch(&call, request);
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  model::CoreStatus core;
  core.connection.state = model::ConnectionState::kReady;
  server_->OnStatus(core);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  core.connection.state = model::ConnectionState::kWaiting;
  server_->OnStatus(core);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  call.TryCancel();
}

TEST_F(HealthTest, WatchTellsWhenTheStoreGoesAndComes) {
  server_->OnStatus(model::CoreStatus());
  Call call;
  const auto reader = health_->Watch(&call, {});
  HealthCheckResponse response;
  do {
    ASSERT_TRUE(reader->Read(&response));
  } while (response.status() != HealthCheckResponse::SERVING);
  server_->OnStoreStatus(absl::UnavailableError("recovering"));
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  server_->OnStoreStatus(absl::OkStatus());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  call.TryCancel();
}

// --- Reflection --------------------------------------------------------------

// Asks what services there are, by bytes: Debian packages no .proto file of the
// reflection service.
TEST_F(ServerTest, ReflectionNamesTheServices) {
  StartServer();
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  Call call;
  const auto stream = stub.PrepareCall(
      &call, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      &queue);
  const auto finish_step = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  stream->StartCall(nullptr);
  ASSERT_TRUE(finish_step());
  const std::string list_services = "\x3a\x01*";  // field 7, "*"
  const grpc::Slice slice(list_services);
  stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(finish_step());
  grpc::ByteBuffer response;
  stream->Read(&response, nullptr);
  ASSERT_TRUE(finish_step());
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(response.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& part : slices) {
    text.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  for (const char* service :
       {"parley.v1.DaemonService", "parley.v1.RoomService",
        "parley.v1.MessageService", "parley.v1.OutboxService",
        "parley.v1.SyncService", "grpc.health.v1.Health"}) {
    EXPECT_THAT(text, testing::HasSubstr(service));
  }
  call.TryCancel();
  grpc::Status status;
  stream->Finish(&status, nullptr);
  finish_step();
}

// --- Stopping ----------------------------------------------------------------

TEST_F(ServerTest, StopEndsTwentyLiveStreamsInWords) {
  StartServer();
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchRoomsResponse>>>
      streams;
  v1::WatchRoomsResponse response;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(std::make_unique<Call>());
    streams.push_back(rooms_->WatchRooms(calls.back().get(), {}));
    ASSERT_TRUE(streams.back()->Read(&response));
  }
  const auto began = std::chrono::steady_clock::now();
  std::thread stopper([this] { server_->Stop(absl::Seconds(20)); });
  for (const auto& stream : streams) {
    EXPECT_FALSE(stream->Read(&response));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  }
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_NE(::access(listener_options_.socket_path.c_str(), F_OK), 0);
}

TEST_F(ServerTest, StopWaitsForTheCore) {
  StartServer();
  core_.SetHolding(true);
  std::atomic<bool> answered{false};
  std::thread caller([&] {
    v1::GetStatusResponse response;
    const grpc::Status status = GetStatus(daemon_.get(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    answered = true;
  });
  ASSERT_TRUE(WaitFor([&] { return core_.held() == 1; }));
  std::thread stopper([this] { server_->Stop(absl::Seconds(20)); });
  ASSERT_TRUE(WaitFor([&] {
    return ::access(listener_options_.socket_path.c_str(), F_OK) != 0;
  }));
  EXPECT_FALSE(answered);
  core_.Release();
  stopper.join();
  caller.join();
  EXPECT_TRUE(answered);
}

TEST_F(ServerTest, StopDoesNotWaitForAStuckCoreForEver) {
  StartServer();
  core_.SetHolding(true);
  std::thread caller([&] {
    v1::GetStatusResponse response;
    const grpc::Status status = GetStatus(daemon_.get(), &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  });
  ASSERT_TRUE(WaitFor([&] { return core_.held() == 1; }));
  server_->Stop(absl::Milliseconds(500));
  caller.join();
  core_.Release();  // an answer that comes too late is dropped
}

TEST_F(ServerTest, StopDoesNotWaitForASlowClientForEver) {
  StartServer();
  const std::string text(64 * 1024, 'x');
  for (uint64_t i = 1; i <= 200; ++i) store_.PutMessage("r", i, text);
  Call call;
  const auto reader = messages_->WatchMessages(&call, {});
  v1::WatchMessagesResponse response;
  ASSERT_TRUE(reader->Read(&response));
  const auto began = std::chrono::steady_clock::now();
  server_->Stop(absl::Milliseconds(500));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

TEST_F(ServerTest, ServesAgainOnTheSamePath) {
  StartServer();
  server_->Stop(absl::Seconds(5));
  server_.reset();
  StartServer();
  v1::GetStatusResponse response;
  EXPECT_TRUE(GetStatus(daemon_.get(), &response).ok());
}

TEST_F(ServerTest, StopUnderLoad) {
  StartServer();
  std::atomic<bool> stopping{false};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([this, &stopping] {
      const auto stub = v1::DaemonService::NewStub(Connect());
      const auto rooms = v1::RoomService::NewStub(Connect());
      while (!stopping) {
        v1::GetStatusResponse status;
        GetStatus(stub.get(), &status);
        Call call;
        const auto reader = rooms->WatchRooms(&call, {});
        v1::WatchRoomsResponse response;
        reader->Read(&response);
        call.TryCancel();
      }
    });
  }
  ASSERT_TRUE(WaitFor([&] { return core_.commands().size() > 50; }));
  server_->Stop(absl::Seconds(5));
  stopping = true;
  for (std::thread& client : clients) client.join();
}

}  // namespace
}  // namespace parley::rpc
