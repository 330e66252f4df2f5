#include "daemon/transport/lws_transport.h"

#include <pthread.h>

#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace parley::transport {
namespace {

constexpr char kRequestPath[] = "/socket.io/?EIO=4&transport=websocket";

}  // namespace

LwsTransport::LwsTransport(const Options& options, runtime::EventSink* sink)
    : options_(options), sink_(sink) {}

absl::StatusOr<std::unique_ptr<LwsTransport>> LwsTransport::Create(
    const Options& options, runtime::EventSink* sink) {
  std::unique_ptr<LwsTransport> transport(new LwsTransport(options, sink));
  WebSocket::Options socket_options;
  socket_options.max_message_bytes = options.max_message_bytes;
  socket_options.handshake_timeout = options.handshake_timeout;
  socket_options.answer_timeout = options.answer_timeout;
  socket_options.close_linger = options.close_linger;
  socket_options.ca_file = options.ca_file;
  absl::StatusOr<std::unique_ptr<WebSocket>> socket =
      WebSocket::Create(socket_options, transport.get());
  if (!socket.ok()) return socket.status();
  transport->socket_ = *std::move(socket);
  transport->look_up_timer_.emplace(
      transport->socket_.get(),
      [](void* argument) {
        auto* const self = static_cast<LwsTransport*>(argument);
        if (!self->attempt_.has_value()) return;
        core::TransportClosed event;
        event.reason = absl::StrCat(
            "cannot look up ", self->NextHop(), ": no answer within ",
            absl::FormatDuration(self->options_.look_up_timeout));
        self->Finish(std::move(event));
      },
      transport.get());
  transport->resolver_.emplace(options.look_up);
  try {
    transport->thread_ = std::thread([self = transport.get()] { self->Run(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start the network thread: ", error.what()));
  }
  return transport;
}

LwsTransport::~LwsTransport() { Stop(); }

void LwsTransport::Stop() {
  if (thread_.joinable()) {
    {
      base::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    socket_->Wake();
    thread_.join();
  }
  resolver_.reset();
}

void LwsTransport::Open(core::ConnectionId connection,
                        const std::string& server_url) {
  base::MutexLock lock(&mutex_);
  Push(OpenCommand{connection, server_url});
}

void LwsTransport::Send(core::ConnectionId connection, std::string text) {
  base::MutexLock lock(&mutex_);
  if (queued_bytes_ + text.size() > options_.max_queued_bytes) {
    Push(OverflowCommand{connection});
    return;
  }
  queued_bytes_ += text.size();
  Push(SendCommand{connection, std::move(text)});
}

void LwsTransport::Close(core::ConnectionId connection) {
  base::MutexLock lock(&mutex_);
  Push(CloseCommand{connection});
}

void LwsTransport::Push(Command command) {
  if (stopping_) return;
  commands_.push_back(std::move(command));
  // Whoever found the queue empty has woken the network thread, and it takes
  // all that is there by then.
  if (commands_.size() == 1) socket_->Wake();
}

void LwsTransport::ReleaseQueuedBytes(size_t bytes) {
  base::MutexLock lock(&mutex_);
  queued_bytes_ -= bytes;
}

// --- The network thread ------------------------------------------------------

void LwsTransport::Run() {
  pthread_setname_np(pthread_self(), "parley-network");
  while (true) {
    while (RunCommands() || HandleSocketEnd()) {
    }
    bool stopping = false;
    {
      base::MutexLock lock(&mutex_);
      stopping = stopping_;
    }
    if (stopping) {
      DropAttempt();
      // An abort that fails at once has ended the socket already.
      HandleSocketEnd();
      if (socket_->idle()) return;
    }
    socket_->Service();
  }
}

bool LwsTransport::RunCommands() {
  std::deque<Command> commands;
  {
    base::MutexLock lock(&mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) {
    std::visit([this](auto& body) { RunCommand(&body); }, command);
  }
  return !commands.empty();
}

void LwsTransport::RunCommand(OpenCommand* command) {
  DropAttempt();
  attempt_.emplace(command->connection, std::move(command->server_url));
  // Never two sockets: the new one waits until the old one is gone.
  if (socket_->idle()) Begin();
}

void LwsTransport::RunCommand(SendCommand* command) {
  const size_t bytes = command->text.size();
  if (!IsCurrent(command->connection)) {
    ReleaseQueuedBytes(bytes);
    return;
  }
  socket_bytes_ += bytes;
  socket_->Send(std::move(command->text));
}

void LwsTransport::RunCommand(OverflowCommand* command) {
  if (!IsCurrent(command->connection)) return;
  socket_->Abort(
      absl::StrCat("the server takes nothing: ", options_.max_queued_bytes,
                   " bytes are waiting to be sent"));
}

void LwsTransport::RunCommand(CloseCommand* command) {
  if (IsCurrent(command->connection)) DropAttempt();
}

void LwsTransport::RunCommand(LookedUpCommand* command) {
  if (!attempt_.has_value() || attempt_->look_up != command->look_up) return;
  look_up_timer_->Stop();
  attempt_->look_up = 0;
  if (!command->addresses.ok()) {
    core::TransportClosed event;
    event.reason = std::string(command->addresses.status().message());
    Finish(std::move(event));
    return;
  }
  attempt_->addresses = *std::move(command->addresses);
  DialNext();
}

bool LwsTransport::HandleSocketEnd() {
  std::optional<SocketEnd> end = socket_->TakeEnd();
  if (!end.has_value()) return false;
  ReleaseQueuedBytes(std::exchange(socket_bytes_, 0));
  if (!attempt_.has_value()) return true;
  if (!attempt_->begun) {
    Begin();
    return true;
  }
  attempt_->failures.push_back(std::move(end->reason));
  if (!end->reached_peer &&
      attempt_->next_address < attempt_->addresses.size()) {
    DialNext();
    return true;
  }
  core::TransportClosed event;
  event.reason = absl::StrJoin(attempt_->failures, "; ");
  event.close_code = end->close_code;
  event.retry_after = end->retry_after;
  Finish(std::move(event));
  return true;
}

void LwsTransport::Begin() {
  attempt_->begun = true;
  absl::StatusOr<ServerUrl> url = ParseServerUrl(attempt_->server_url);
  if (!url.ok()) {
    core::TransportClosed event;
    event.reason = std::string(url.status().message());
    Finish(std::move(event));
    return;
  }
  attempt_->url = *std::move(url);
  attempt_->proxy = options_.proxies.ProxyFor(attempt_->url);
  if (IsNumericAddress(NextHop())) {
    attempt_->addresses = {NextHop()};
    DialNext();
  } else {
    LookUp();
  }
}

// Whose address is dialled. The proxy looks up the server's name itself.
const std::string& LwsTransport::NextHop() const {
  return attempt_->proxy != nullptr ? attempt_->proxy->host
                                    : attempt_->url.host;
}

void LwsTransport::LookUp() {
  const uint64_t number = ++last_look_up_;
  const absl::Status started = resolver_->Start(
      NextHop(), [this, number](absl::StatusOr<Addresses> addresses) {
        base::MutexLock lock(&mutex_);
        Push(LookedUpCommand{number, std::move(addresses)});
      });
  if (!started.ok()) {
    core::TransportClosed event;
    event.reason = std::string(started.message());
    Finish(std::move(event));
    return;
  }
  attempt_->look_up = number;
  look_up_timer_->Start(options_.look_up_timeout);
}

void LwsTransport::DialNext() {
  WebSocket::Target target;
  target.address = attempt_->addresses[attempt_->next_address++];
  const ServerUrl& url = attempt_->url;
  target.port = url.port;
  target.host_header = url.HostHeader();
  target.path = absl::StrCat(url.base_path, kRequestPath);
  if (url.tls) target.tls_host = url.host;
  if (attempt_->proxy != nullptr) {
    target.port = attempt_->proxy->port;
    target.tunnel = TunnelRequest{attempt_->proxy->Authority(), url.Authority(),
                                  attempt_->proxy->credentials};
  }
  target.display = JoinHostPort(target.address, target.port);
  const bool last = attempt_->next_address == attempt_->addresses.size();
  socket_->Dial(target,
                last ? options_.handshake_timeout : options_.address_timeout);
}

void LwsTransport::DropAttempt() {
  attempt_.reset();
  look_up_timer_->Stop();
  socket_->Abort("");
}

void LwsTransport::Finish(core::TransportClosed event) {
  event.connection = attempt_->connection;
  attempt_.reset();
  look_up_timer_->Stop();
  sink_->Post(std::move(event));
}

bool LwsTransport::IsCurrent(core::ConnectionId connection) const {
  return attempt_.has_value() && attempt_->connection == connection;
}

void LwsTransport::OnSocketOpened() {
  if (!attempt_.has_value()) return;
  sink_->Post(core::TransportOpened{attempt_->connection});
}

void LwsTransport::OnSocketText(std::string text) {
  if (!attempt_.has_value()) return;
  sink_->Post(core::TextReceived{attempt_->connection, std::move(text)});
}

void LwsTransport::OnSocketBinary(size_t bytes) {
  if (!attempt_.has_value()) return;
  sink_->Post(core::BinaryReceived{attempt_->connection, bytes});
}

void LwsTransport::OnSocketWrote(size_t bytes) {
  socket_bytes_ -= bytes;
  ReleaseQueuedBytes(bytes);
}

}  // namespace parley::transport
