#ifndef DAEMON_SOCKETIO_PACKET_H_
#define DAEMON_SOCKETIO_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

// Socket.IO protocol 5, inside Engine.IO's message packets:
//
//   <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
namespace parley::socketio {

enum class PacketType {
  kConnect = 0,
  kDisconnect = 1,
  kEvent = 2,
  kAck = 3,
  kConnectError = 4,
  kBinaryEvent = 5,
  kBinaryAck = 6,
};

inline constexpr char kMainNamespace[] = "/";

struct Packet {
  PacketType type = PacketType::kEvent;
  std::string nsp = kMainNamespace;
  std::optional<uint64_t> ack_id;
  // Binary frames that follow; of binary packets only.
  uint64_t attachments = 0;
  std::optional<nlohmann::json> data;
};

// Chat events nest five deep. Writing a value is recursive, so that depth is
// stack.
inline constexpr int kMaxJsonDepth = 64;
// Far more than any event has; a count is memory that the sender promises.
inline constexpr uint64_t kMaxAttachments = 16;
inline constexpr size_t kMaxNamespaceBytes = 255;

// Decodes a packet and holds it to its type's form: an event is an array that
// starts with its name (a string that is not reserved, or a number), an ack an
// array with an id, CONNECT an object or nothing, DISCONNECT nothing. A refusal
// may have any payload: whatever it says, it is one.
//
// INVALID_ARGUMENT in words for a person, without the packet's content;
// OUT_OF_RANGE if its payload nests deeper than kMaxJsonDepth.
// Repeated object members: the last one counts, as everywhere in JavaScript.
// Whole numbers beyond 64 bits become doubles; those beyond a double are an
// error.
absl::StatusOr<Packet> Decode(absl::string_view text);

// The packet's text. Broken UTF-8 in strings becomes U+FFFD.
std::string Encode(const Packet& packet);

// Names that the libraries keep for themselves, never those of events.
bool IsReservedEvent(absl::string_view name);

}  // namespace parley::socketio

#endif  // DAEMON_SOCKETIO_PACKET_H_
