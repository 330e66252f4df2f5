#ifndef DAEMON_WIRE_DIALECT_H_
#define DAEMON_WIRE_DIALECT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/model/room.h"
#include "nlohmann/json.hpp"

// The vocabulary of the servers, as typed values. Everything that a server may
// spell in more than one way is settled here; nothing above this package knows
// an event's name.
namespace parley::wire {

// --- From the server ---------------------------------------------------------

// The ready event: from here on the server listens.
struct Ready {
  model::UserId user;  // empty: the server does not say
  std::optional<base::WallTime> server_time;
  model::ServerCapabilities capabilities;  // learned_at is not set
};

struct MessageReceived {
  model::Message message;
  // The room's gap-free number of the message's last change; 0: not told.
  uint64_t change = 0;
  // Its author has taken it back: it has no content any more.
  bool deleted = false;
};

// Something in the room has changed; its history says what.
struct RoomChanged {
  model::RoomId room;
  uint64_t change = 0;
};

// Somebody else, or the account on another device, joined or left.
struct MemberChanged {
  model::RoomId room;
  model::UserId user;
  bool joined = false;
};

// An answer to a ping that does not say to which.
struct PongReceived {};

// An event that this program does not know: counted and traced, never an error.
struct UnknownEvent {
  std::string name;
};

// A known event whose payload makes no sense.
struct MalformedEvent {
  std::string name;
  std::string problem;
};

using ServerEvent =
    std::variant<Ready, MessageReceived, RoomChanged, MemberChanged,
                 PongReceived, UnknownEvent, MalformedEvent>;

// How an error that the server answered with is to be treated. Decided here,
// once, for every code.
enum class ErrorClass {
  kTransient,   // try the same again later
  kPermanent,   // the same will be refused again
  kUnknown,     // the answer makes no sense: it may have been done
  kOutOfOrder,  // its predecessor is missing; says nothing of the message
  kAuth,  // the session is not accepted; nothing is wrong with the request
};

struct RequestError {
  ErrorClass error_class = ErrorClass::kTransient;
  std::string code;     // the server's, for example RATE_LIMITED
  std::string message;  // the server's words
  std::optional<absl::Duration> retry_after;
};

// A server's answer to a request.
// Moving JSON is declared not to throw, and does not.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct Answer {
  std::optional<RequestError> error;  // absent: success
  nlohmann::json data;                // of a success; may be null
};

struct SendResult {
  model::MessageId id;    // empty: the server names none
  uint64_t room_seq = 0;  // 0: the server has none
  std::optional<base::WallTime> sent_at;
  bool duplicate = false;  // the server had it already
};

struct JoinResult {
  model::RoomKind kind = model::RoomKind::kUnknown;
  uint32_t member_count = 0;
  // The room's last change where the server counts them, else the place of its
  // last message; 0 when there is none. Absent: the server does not say.
  std::optional<uint64_t> last_change;
};

// --- To the server -----------------------------------------------------------

// An event that expects an answer.
struct Request {
  std::string event;
  nlohmann::json payload;
};

struct SendOptions {
  // With ordered sends: the message that was sent before it in this room on
  // this connection; absent for the first.
  std::optional<model::ClientMessageId> after;
  bool possible_duplicate = false;
};

// One server vocabulary. Stateless and immutable.
class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual model::Dialect kind() const = 0;

  // `args` are the event's arguments without its name. Never fails: what makes
  // no sense becomes a MalformedEvent.
  virtual ServerEvent DecodeEvent(absl::string_view name,
                                  const nlohmann::json& args) const = 0;

  // A malformed answer is an error of class kUnknown with code
  // MALFORMED_ANSWER, never an exception and never a success.
  virtual Answer DecodeAnswer(const nlohmann::json& args) const = 0;
  virtual SendResult DecodeSendResult(const nlohmann::json& data) const = 0;
  virtual JoinResult DecodeJoinResult(const nlohmann::json& data) const = 0;

  virtual Request EncodeJoin(const model::RoomId& room) const = 0;
  virtual Request EncodeLeave(const model::RoomId& room) const = 0;
  virtual Request EncodeSend(const model::RoomId& room,
                             const model::ClientMessageId& client_id,
                             const model::MessageContent& content,
                             const SendOptions& options) const = 0;
};

// The same in all dialects. Answered with an ack, with PongReceived, with both,
// or not at all.
Request EncodePing();
// Offers a newer token of the same account for this session. Servers that do
// not know it refuse it, or never answer.
Request EncodeAuthRefresh(absl::string_view token);

// The dialect that a ready event belongs to: one that advertises capabilities
// speaks the full dialect. The result lives for ever.
const Dialect& DialectFor(model::Dialect kind);

// Before the ready event nothing else is known. Decodes only that.
ServerEvent DecodeFirstEvent(absl::string_view name,
                             const nlohmann::json& args);

// The bytes of the largest frame that this send can need, whatever dialect and
// options: what is compared with the server's limit before it is accepted.
size_t MaxSendFrameBytes(const model::RoomId& room,
                         const model::ClientMessageId& client_id,
                         const model::MessageContent& content);

// What the server is told of this device and program, for people.
struct DeviceInfo {
  std::string type = "desktop";  // or mobile, web
  std::string os = "linux";
  std::string app = "parley";
  std::string app_version;  // empty: left out
};

// The `auth` object of the namespace CONNECT, as JSON text.
std::string EncodeAuth(absl::string_view token, const DeviceInfo& device);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_DIALECT_H_
