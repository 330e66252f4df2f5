#ifndef DAEMON_CORE_API_EVENT_H_
#define DAEMON_CORE_API_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/base/secret.h"
#include "daemon/base/strong_id.h"
#include "daemon/core/api/timer_id.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"

// Everything that can happen to the core. Adapters make these and post them;
// the core never asks.
namespace parley::core {

// Names a call of a client until it is answered.
using CallId = base::StrongInt<struct CallIdTag>;
// Names one attempt to connect, and the connection it led to. An event of
// another generation than the current one is of a dead socket, and ignored.
using ConnectionId = base::StrongInt<struct ConnectionIdTag>;
// Names one fetch of credentials.
using FetchId = base::StrongInt<struct FetchIdTag>;

// --- Commands: what clients ask for. Answered with a Reply effect. -----------

struct SendMessage {
  model::RoomId room;
  model::ClientMessageId client_id;  // empty: the core makes one
  model::MessageContent content;     // validated by the RPC side
  std::optional<absl::Duration> expire_after;
};
struct JoinRoom {
  model::RoomId room;
};
struct LeaveRoom {
  model::RoomId room;
};
struct RetryMessage {
  model::ClientMessageId client_id;
};
struct CancelMessage {
  model::ClientMessageId client_id;
};
struct FlushOutbox {};
struct Connect {};
struct Disconnect {};
// Offers this token from now on, before any other source. In memory only.
struct SetCredentials {
  base::Secret token;
};
// Disconnects, for good, and forgets the token that a client gave.
struct SignOut {
  bool discard_outbox = false;  // else it is kept for the next sign-in
  bool wipe_cache = false;      // rooms and messages; else they are kept
};
struct GetStatus {};
// Reads what is missing of a room's history, or of every room's.
struct StartSync {
  model::RoomId room;  // empty: all
  std::optional<absl::Duration> deadline;
};
// Ends the run that is on. What was read stays.
struct CancelSync {};

using CommandBody =
    std::variant<SendMessage, JoinRoom, LeaveRoom, RetryMessage, CancelMessage,
                 FlushOutbox, Connect, Disconnect, SetCredentials, SignOut,
                 GetStatus, StartSync, CancelSync>;

struct Command {
  CallId call;
  CommandBody body;
};

// --- The connection ----------------------------------------------------------

struct TransportOpened {
  ConnectionId connection;
};
struct TextReceived {
  ConnectionId connection;
  std::string text;  // one whole WebSocket message
};
struct BinaryReceived {
  ConnectionId connection;
  size_t bytes = 0;  // the content is of no use to anyone
};
// Once for each OpenConnection that was not followed by CloseConnection.
struct TransportClosed {
  ConnectionId connection;
  std::string reason;                         // for a person
  uint16_t close_code = 0;                    // 0: no close frame
  std::optional<absl::Duration> retry_after;  // the server's wish
};

// --- The rest ----------------------------------------------------------------

struct CredentialsFetched {
  FetchId fetch;
  absl::StatusOr<base::Secret> token;
};

struct TimerFired {
  TimerId timer;
};

// The device's ways out have changed. First posted at the start.
struct NetworkChanged {
  bool online = true;  // there is one, beside loopback
};
// The device has slept.
struct SystemResumed {};

// First event of all. The core connects, unless it was stopped on purpose.
struct Started {};

using Event = std::variant<Started, Command, TransportOpened, TextReceived,
                           BinaryReceived, TransportClosed, CredentialsFetched,
                           TimerFired, NetworkChanged, SystemResumed>;

}  // namespace parley::core

#endif  // DAEMON_CORE_API_EVENT_H_
