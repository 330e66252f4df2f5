#include "clients/cpp/client.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace parley::client {
namespace {

// A daemon on the same machine is back soon, and asking costs little.
constexpr int kFirstReconnectBackoffMs = 50;
constexpr int kMaxReconnectBackoffMs = 500;

std::shared_ptr<grpc::Channel> MakeChannel(absl::string_view socket_path) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   kFirstReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  return grpc::CreateCustomChannel(ChannelTarget(socket_path),
                                   grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Open(
    const ClientOptions& options) {
  std::string path = options.socket_path;
  if (path.empty()) {
    const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
    absl::StatusOr<std::string> found = ProfileSocketPath(
        options.profile, runtime_dir == nullptr ? "" : runtime_dir);
    if (!found.ok()) return found.status();
    path = *std::move(found);
  }
  absl::Status valid = ValidateSocketPath(path);
  if (!valid.ok()) return valid;

  const std::shared_ptr<grpc::Channel> channel = MakeChannel(path);
  Stubs stubs;
  stubs.daemon = v1::DaemonService::NewStub(channel);
  stubs.rooms = v1::RoomService::NewStub(channel);
  stubs.messages = v1::MessageService::NewStub(channel);
  stubs.outbox = v1::OutboxService::NewStub(channel);
  stubs.sync = v1::SyncService::NewStub(channel);
  stubs.health = grpc::health::v1::Health::NewStub(channel);
  return std::make_unique<Client>(std::move(stubs), path);
}

Client::Client(Stubs stubs, absl::string_view socket_path)
    : stubs_(std::move(stubs)), socket_path_(socket_path) {}

std::string ChannelTarget(absl::string_view socket_path) {
  std::string target = "unix:";
  for (const char c : socket_path) {
    if (absl::ascii_isalnum(c) || c == '/' || c == '.' || c == '-' ||
        c == '_' || c == '~') {
      target.push_back(c);
    } else {
      absl::StrAppendFormat(&target, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return target;
}

}  // namespace parley::client
