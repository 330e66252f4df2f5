#include "clients/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "clients/cpp/testing/fake_daemon.h"
#include "clients/cpp/testing/mock_stubs.h"

namespace parley::client {
namespace {

using ::testing::_;
using ::testing::DoAll;
using ::testing::Return;
using ::testing::SetArgPointee;

FakeMethods NamedDaemon(const std::string& version) {
  FakeMethods methods;
  methods.get_status = [version](const v1::GetStatusRequest&,
                                 v1::GetStatusResponse* response) {
    response->mutable_status()->set_version(version);
    return grpc::Status::OK;
  };
  return methods;
}

std::string VersionAt(const std::string& socket_path) {
  ClientOptions options;
  options.socket_path = socket_path;
  const auto client = Client::Open(options);
  if (!client.ok()) return client.status().ToString();
  grpc::ClientContext context;
  v1::GetStatusResponse response;
  const grpc::Status status =
      (*client)->daemon().GetStatus(&context, {}, &response);
  return status.ok() ? response.status().version() : status.error_message();
}

TEST(ClientTest, ReachesTheDaemonAtAPath) {
  const FakeDaemon daemon(NamedDaemon("1"));
  EXPECT_EQ(VersionAt(daemon.socket_path()), "1");
}

TEST(ClientTest, ReachesTheDaemonOfAProfile) {
  const TempDir runtime_dir;
  ASSERT_EQ(mkdir((runtime_dir.path() + "/parley").c_str(), 0700), 0);
  const FakeDaemon daemon(NamedDaemon("work"),
                          runtime_dir.path() + "/parley/work.sock");
  ASSERT_EQ(setenv("XDG_RUNTIME_DIR", runtime_dir.path().c_str(), 1), 0);

  ClientOptions options;
  options.profile = "work";
  const auto client = Client::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ((*client)->socket_path(), daemon.socket_path());
  EXPECT_EQ(VersionAt((*client)->socket_path()), "work");
}

TEST(ClientTest, TakesAnyByteInAPath) {
  const TempDir dir;
  const std::string path = dir.path() + "/a b%20?#\xc3\xa4.sock";
  EXPECT_EQ(ChannelTarget("/a b%20?#\xc3\xa4.sock"),
            "unix:/a%20b%2520%3F%23%C3%A4.sock");
  // gRPC's server side splits its addresses at commas only.
  FakeDaemon daemon(NamedDaemon("odd"));
  ASSERT_EQ(symlink(daemon.socket_path().c_str(), path.c_str()), 0);
  EXPECT_EQ(VersionAt(path), "odd");
}

TEST(ClientTest, RefusesAPathThatNoSocketCanHave) {
  ClientOptions options;
  options.socket_path = std::string(200, 'x');
  EXPECT_EQ(Client::Open(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ClientTest, FailsAtOnceWithoutADaemonAndFindsTheNextOne) {
  const TempDir dir;
  ClientOptions options;
  options.socket_path = dir.path() + "/s";
  const auto client = Client::Open(options);
  ASSERT_TRUE(client.ok());
  v1::GetStatusResponse response;
  {
    grpc::ClientContext context;
    EXPECT_EQ(
        (*client)->daemon().GetStatus(&context, {}, &response).error_code(),
        grpc::StatusCode::UNAVAILABLE);
  }
  const FakeDaemon daemon(NamedDaemon("late"), options.socket_path);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  EXPECT_TRUE((*client)->daemon().GetStatus(&context, {}, &response).ok());
  EXPECT_EQ(response.status().version(), "late");
}

TEST(ClientTest, WorksOnMocks) {
  auto messages = std::make_unique<v1::MockMessageServiceStub>();
  v1::SendMessageResponse sent;
  sent.set_client_message_id("m1");
  EXPECT_CALL(*messages, SendMessage)
      .WillOnce(DoAll(SetArgPointee<2>(sent), Return(grpc::Status::OK)));
  auto* reader = new MockReader<v1::WatchMessagesResponse>;
  EXPECT_CALL(*messages, WatchMessagesRaw).WillOnce(Return(reader));
  EXPECT_CALL(*reader, Read(_)).WillOnce(Return(false));
  EXPECT_CALL(*reader, Finish()).WillOnce(Return(grpc::Status::CANCELLED));

  Stubs stubs;
  stubs.messages = std::move(messages);
  Client client(std::move(stubs));
  grpc::ClientContext send_context;
  v1::SendMessageResponse response;
  EXPECT_TRUE(client.messages().SendMessage(&send_context, {}, &response).ok());
  EXPECT_EQ(response.client_message_id(), "m1");

  grpc::ClientContext watch_context;
  const auto stream = client.messages().WatchMessages(&watch_context, {});
  v1::WatchMessagesResponse batch;
  EXPECT_FALSE(stream->Read(&batch));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace parley::client
