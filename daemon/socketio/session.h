#ifndef DAEMON_SOCKETIO_SESSION_H_
#define DAEMON_SOCKETIO_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/base/secret.h"
#include "daemon/base/time.h"
#include "daemon/engineio/packet.h"
#include "daemon/model/limits.h"
#include "daemon/socketio/packet.h"
#include "nlohmann/json.hpp"

namespace parley::socketio {

enum class CloseReason {
  kProtocolError,     // the server sent what the protocol does not allow
  kServerDisconnect,  // it ended the Socket.IO session
  kEngineClosed,      // it ended the Engine.IO session
};

absl::string_view CloseReasonName(CloseReason reason);

// --- What a Session asks for and tells. ------------------------------------

// To be written as one WebSocket text frame. The first one carries the
// credentials: it is never logged.
struct SendFrame {
  std::string text;
};
// The server's open packet came; CONNECT follows by itself.
struct Opened {
  engineio::OpenParameters parameters;
};
// The server accepted CONNECT. Requests and events may be encoded.
struct Connected {
  std::string sid;
};
// The server refused CONNECT. The session is over; no Closed follows.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct Refused {
  std::string message;  // the server's, for a person; never empty
  nlohmann::json data;  // null if it gave none
};
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct EventReceived {
  std::string name;
  // What followed the name. A server with connection state recovery appends
  // its offset as one more string: read arguments by position.
  nlohmann::json args;
  std::optional<uint64_t> ack_id;  // set: the server waits for EncodeAck
};
struct AckReceived {
  uint64_t id = 0;  // one that EncodeRequest gave; may come more than once
  nlohmann::json args;
};
// Legal, but of no use. Without the server's content: fit for a log.
struct Ignored {
  std::string why;
};
// The session is over.
struct Closed {
  CloseReason reason = CloseReason::kProtocolError;
  std::string detail;  // for a person, without the server's content
};

using Output = std::variant<SendFrame, Opened, Connected, Refused,
                            EventReceived, AckReceived, Ignored, Closed>;

// One Socket.IO session over one WebSocket, seen from the client: frames go
// in, outputs come out, nothing else happens. One object a connection.
//
//                 open                CONNECT accepted
//   kAwaitingOpen ----> kConnecting -------------------> kConnected
//        |                   |                               |
//        | illegal frame     | the same, or refused          | the same, or
//        v                   v                               v DISCONNECT
//        +-------------> kClosed <---------------------------+
//
// Exactly one of Refused and Closed is the last output; after it every frame
// is swallowed. It is the owner who then closes the WebSocket, and who watches
// ping_deadline() and, until Connected, a deadline of its own.
//
// Only the main namespace is used. Binary events are legal and Ignored, with
// their attachments; one that asks for an answer gets none.
//
// Deterministic; no clock, no I/O. Not thread-safe.
class Session {
 public:
  enum class State { kAwaitingOpen, kConnecting, kConnected, kClosed };

  struct Options {
    // The text of a JSON object, sent with CONNECT; empty for none.
    std::string auth_json;
    // A larger frame is a protocol error.
    size_t max_incoming_bytes = model::kMaxFrameBytes;
  };

  explicit Session(const Options& options);

  // A text frame came. Appends to `out`.
  void OnText(absl::string_view frame, base::MonotonicTime now,
              std::vector<Output>* out);
  // A binary frame of `bytes` bytes came. Its content does not matter.
  void OnBinary(size_t bytes, base::MonotonicTime now,
                std::vector<Output>* out);

  // The text frames of what the owner wants to send. While kConnected only.
  std::string EncodeEvent(absl::string_view name,
                          const nlohmann::json& payload) const;
  // The id comes back in AckReceived. Ids count from 0 in each session.
  std::pair<uint64_t, std::string> EncodeRequest(absl::string_view name,
                                                 const nlohmann::json& payload);
  // The answer to an event that had `id`; `args` is an array.
  std::string EncodeAck(uint64_t id, const nlohmann::json& args) const;
  // A polite goodbye, in any state.
  std::string EncodeDisconnect() const;

  State state() const { return state_; }
  bool connected() const { return state_ == State::kConnected; }

  // The link is dead if this passes. InfiniteFuture before the open packet.
  base::MonotonicTime ping_deadline() const { return ping_deadline_; }

  // Pings a second that are answered; a flood of them is not echoed. Servers
  // ping every 25 seconds.
  static constexpr int kMaxPingsPerSecond = 64;

 private:
  void OnOpen(absl::string_view payload, base::MonotonicTime now,
              std::vector<Output>* out);
  void OnPing(base::MonotonicTime now, std::vector<Output>* out);
  void OnMessage(absl::string_view payload, std::vector<Output>* out);
  void OnMainPacket(Packet packet, std::vector<Output>* out);
  void OnConnect(const Packet& packet, std::vector<Output>* out);
  void OnConnectError(Packet packet, std::vector<Output>* out);
  void OnEvent(Packet packet, std::vector<Output>* out);
  void OnAck(Packet packet, std::vector<Output>* out);
  void Close(CloseReason reason, std::string detail, std::vector<Output>* out);
  void Fail(std::string detail, std::vector<Output>* out);

  const size_t max_incoming_bytes_;
  base::Secret auth_json_;  // emptied once it is sent
  State state_ = State::kAwaitingOpen;
  engineio::OpenParameters open_;
  base::MonotonicTime ping_deadline_ = base::MonotonicTime::InfiniteFuture();
  base::MonotonicTime ping_window_start_;
  int pings_in_window_ = 0;
  // Binary frames that still belong to the last, ignored, packet.
  uint64_t attachments_left_ = 0;
  uint64_t next_ack_id_ = 0;
};

}  // namespace parley::socketio

#endif  // DAEMON_SOCKETIO_SESSION_H_
