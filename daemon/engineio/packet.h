#ifndef DAEMON_ENGINEIO_PACKET_H_
#define DAEMON_ENGINEIO_PACKET_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Engine.IO protocol 4 on a WebSocket: a text frame is one digit, the packet's
// type, and the payload. A binary frame has no digit; it always is a message.
namespace parley::engineio {

enum class PacketType {
  kOpen = 0,     // server: the session's parameters
  kClose = 1,    // either
  kPing = 2,     // server, in this version of the protocol
  kPong = 3,     // client
  kMessage = 4,  // either
  kUpgrade = 5,  // from polling, which Parley does not do
  kNoop = 6,     // likewise
};

struct Packet {
  PacketType type = PacketType::kNoop;
  absl::string_view payload;  // borrowed from the decoded frame
};

// INVALID_ARGUMENT, in words for a person and without the frame's content, if
// the frame is empty or its type is unknown.
absl::StatusOr<Packet> Decode(absl::string_view frame);

std::string Encode(PacketType type, absl::string_view payload);

// What the server says in its open packet.
struct OpenParameters {
  std::string sid;
  // The link is dead when no ping came for the sum of both. At most
  // kMaxPingDuration each.
  absl::Duration ping_interval;
  absl::Duration ping_timeout;
  // The largest frame the server takes. At least kMinMaxPayloadBytes, at most
  // model::kMaxFrameBytes.
  size_t max_payload = 0;
};

// A server that pings less often than once an hour would leave a dead link
// undetected for longer; its numbers are clamped to this.
inline constexpr absl::Duration kMaxPingDuration = absl::Hours(1);
// Below this not even a token fits into the CONNECT packet: an error.
inline constexpr size_t kMinMaxPayloadBytes = 1024;
// Real ones have 20 bytes.
inline constexpr size_t kMaxSidBytes = 255;
// Real ones have 120 bytes.
inline constexpr size_t kMaxOpenBytes = 16 * 1024;

// Parses an open packet's payload.
//
// INVALID_ARGUMENT, naming the member at fault: not a JSON object; no sid;
// pingInterval or pingTimeout missing, not a number or below 1 ms; maxPayload
// not a number or too small. Too large numbers are clamped. A server that
// names no maxPayload (the first ones of this protocol version) gets
// Socket.IO's default.
absl::StatusOr<OpenParameters> ParseOpen(absl::string_view payload);

}  // namespace parley::engineio

#endif  // DAEMON_ENGINEIO_PACKET_H_
