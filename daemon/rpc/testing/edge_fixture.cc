#include "daemon/rpc/testing/edge_fixture.h"

#include <dirent.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "daemon/base/check.h"
#include "google/rpc/status.pb.h"

namespace parley::rpc {
namespace {

// All details of one type.
template <typename Detail>
std::vector<Detail> Find(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  std::vector<Detail> found;
  for (const auto& any : details.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) found.push_back(detail);
  }
  return found;
}

}  // namespace

SocketDir::SocketDir() {
  char name[] = "/tmp/parley.XXXXXX";
  PARLEY_CHECK(::mkdtemp(name) != nullptr);
  dir_ = name;
}

SocketDir::~SocketDir() {
  DIR* const dir = ::opendir(dir_.c_str());
  while (const dirent* entry = dir != nullptr ? ::readdir(dir) : nullptr) {
    ::unlink((dir_ + "/" + entry->d_name).c_str());
    ::rmdir((dir_ + "/" + entry->d_name).c_str());
  }
  if (dir != nullptr) ::closedir(dir);
  ::rmdir(dir_.c_str());
}

bool WaitFor(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string ReasonOf(const grpc::Status& status) {
  const auto infos = Find<google::rpc::ErrorInfo>(status);
  EXPECT_EQ(infos.size(), 1u) << status.error_message();
  return infos.empty() ? "" : infos[0].reason();
}

std::string FieldOf(const grpc::Status& status) {
  const auto requests = Find<google::rpc::BadRequest>(status);
  return requests.empty() ? "" : requests[0].field_violations(0).field();
}

bool HasRetryInfo(const grpc::Status& status) {
  return Find<google::rpc::RetryInfo>(status).size() == 1;
}

EdgeTest::EdgeTest() {
  options_.info = {"1.2.3", "work", absl::FromUnixSeconds(1600000000)};
  options_.request_shutdown = [this] { ++shutdown_requests_; };
  listener_options_.socket_path = dir_.path("sock");
}

EdgeTest::~EdgeTest() {
  if (server_ != nullptr) server_->Stop(absl::Seconds(1));
}

void EdgeTest::AnswerWith(absl::StatusOr<core::ReplyBody> reply) {
  core_.SetScript(
      [reply = std::move(reply)](const core::CommandBody&) { return reply; });
}

void EdgeTest::StartServer() {
  auto listener = Listener::Bind(listener_options_);
  ASSERT_TRUE(listener.ok()) << listener.status();
  server_ = std::make_unique<RpcServer>(options_);
  core_.SetClients(server_.get());
  ASSERT_TRUE(server_->Start(*std::move(listener), &core_, &store_).ok());
  channel_ = Connect();
  daemon_ = parley::v1::DaemonService::NewStub(channel_);
  rooms_ = parley::v1::RoomService::NewStub(channel_);
  messages_ = parley::v1::MessageService::NewStub(channel_);
  outbox_ = parley::v1::OutboxService::NewStub(channel_);
  sync_ = parley::v1::SyncService::NewStub(channel_);
}

std::shared_ptr<grpc::Channel> EdgeTest::Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel("unix:" + listener_options_.socket_path,
                                   grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace parley::rpc
