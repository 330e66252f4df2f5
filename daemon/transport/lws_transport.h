#ifndef DAEMON_TRANSPORT_LWS_TRANSPORT_H_
#define DAEMON_TRANSPORT_LWS_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/event.h"
#include "daemon/model/limits.h"
#include "daemon/runtime/ports.h"
#include "daemon/transport/proxy.h"
#include "daemon/transport/resolver.h"
#include "daemon/transport/url.h"
#include "daemon/transport/web_socket.h"

namespace parley::transport {

// The network: at most one WebSocket to the server at any time, on a thread of
// its own. Moves bytes and knows no meaning.
//
//   core thread                        network thread
//   Open/Send/Close --> commands_ --> attempt_, socket_ --> EventSink::Post
//                                        ^
//   lookup threads ---- commands_ -------'
//
//                Open                addresses            upgrade done
//   (none) --------------> LOOKING UP --------> DIALLING ---------------> OPEN
//     ^   \ old socket        |                 |     ^                    |
//     |    \ still closing    | failure         |     '- next address      |
//     |     '-> WAITING       v                 v                          v
//     '---------------------- TransportClosed <----------------------------'
//     '---------------------- Close, in any state: nothing more is posted
//
// Whoever floods us is slowed down: while the sink blocks, nothing is read from
// the socket.
class LwsTransport : public runtime::TransportPort, private WebSocketListener {
 public:
  struct Options {
    // A longer message from the server ends the connection.
    size_t max_message_bytes = model::kMaxFrameBytes;
    // Of frames that were given to Send and have not left. More means that the
    // server takes nothing: it ends the connection.
    size_t max_queued_bytes = 2 * model::kMaxFrameBytes;
    absl::Duration look_up_timeout = absl::Seconds(10);
    // For TCP to one address, while there are others left to try.
    absl::Duration address_timeout = absl::Seconds(5);
    // For TCP to the last address, and then for the answer to the upgrade. The
    // core has a shorter deadline for all of it together.
    absl::Duration handshake_timeout = absl::Seconds(30);
    // For the server's answer to our close frame.
    absl::Duration close_linger = absl::Milliseconds(500);
    // As WebSocket::Options has it.
    absl::Duration answer_timeout = absl::Seconds(3);
    LookUpFunction look_up = &SystemLookUp;
    // The certificates that are trusted in place of the system's; a PEM file.
    std::string ca_file;
    ProxyRules proxies;
  };

  // The sink must outlive the transport.
  static absl::StatusOr<std::unique_ptr<LwsTransport>> Create(
      const Options& options, runtime::EventSink* sink);
  ~LwsTransport() override;

  LwsTransport(const LwsTransport&) = delete;
  LwsTransport& operator=(const LwsTransport&) = delete;

  // Says goodbye to the server, within close_linger, and ends the thread.
  // Nothing is posted afterwards. Before it, the sink must have been told to
  // block no longer. Not thread-safe; a second call does nothing.
  void Stop();

  // TransportPort. From any thread.
  void Open(core::ConnectionId connection,
            const std::string& server_url) override;
  void Send(core::ConnectionId connection, std::string text) override;
  void Close(core::ConnectionId connection) override;

 private:
  struct OpenCommand {
    core::ConnectionId connection;
    std::string server_url;
  };
  struct SendCommand {
    core::ConnectionId connection;
    std::string text;
  };
  // A Send that exceeded the limit.
  struct OverflowCommand {
    core::ConnectionId connection;
  };
  struct CloseCommand {
    core::ConnectionId connection;
  };
  struct LookedUpCommand {
    uint64_t look_up;
    absl::StatusOr<Addresses> addresses;
  };
  using Command = std::variant<OpenCommand, SendCommand, OverflowCommand,
                               CloseCommand, LookedUpCommand>;

  // What Open asked for, until it is closed or its end was posted.
  struct Attempt {
    Attempt(core::ConnectionId connection_in, std::string server_url_in)
        : connection(connection_in), server_url(std::move(server_url_in)) {}

    core::ConnectionId connection;
    std::string server_url;
    ServerUrl url;
    const HttpProxy* proxy = nullptr;  // of options_; null: directly
    bool begun = false;                // no longer waiting for an old socket
    uint64_t look_up = 0;              // the lookup that is awaited; 0: none
    Addresses addresses;               // of the server, or of the proxy
    size_t next_address = 0;
    std::vector<std::string> failures;  // one an address that was tried
  };

  LwsTransport(const Options& options, runtime::EventSink* sink);

  void Push(Command command) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReleaseQueuedBytes(size_t bytes);

  // The network thread.
  void Run();
  bool RunCommands();
  void RunCommand(OpenCommand* command);
  void RunCommand(SendCommand* command);
  void RunCommand(OverflowCommand* command);
  void RunCommand(CloseCommand* command);
  void RunCommand(LookedUpCommand* command);
  bool HandleSocketEnd();
  void Begin();
  const std::string& NextHop() const;
  void LookUp();
  void DialNext();
  void DropAttempt();
  void Finish(core::TransportClosed event);
  bool IsCurrent(core::ConnectionId connection) const;

  // WebSocketListener, on the network thread.
  void OnSocketOpened() override;
  void OnSocketText(std::string text) override;
  void OnSocketBinary(size_t bytes) override;
  void OnSocketWrote(size_t bytes) override;

  const Options options_;
  runtime::EventSink* const sink_;

  base::Mutex mutex_;
  std::deque<Command> commands_ ABSL_GUARDED_BY(mutex_);
  // Of frames in commands_ and in the socket.
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Only the network thread, once it runs, touches what follows.
  std::unique_ptr<WebSocket> socket_;
  std::optional<WebSocket::Timer> look_up_timer_;
  std::optional<Attempt> attempt_;
  uint64_t last_look_up_ = 0;
  size_t socket_bytes_ = 0;  // given to the socket and not written

  // Calls Push from its own threads; gone before anything above.
  std::optional<Resolver> resolver_;
  std::thread thread_;
};

}  // namespace parley::transport

#endif  // DAEMON_TRANSPORT_LWS_TRANSPORT_H_
