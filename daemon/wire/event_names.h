#ifndef DAEMON_WIRE_EVENT_NAMES_H_
#define DAEMON_WIRE_EVENT_NAMES_H_

#include <cstddef>

#include "absl/strings/string_view.h"

// Every event name and capability that is said or understood, in any dialect.
// Servers grew apart, so some events have more than one name.
namespace parley::wire {

// --- From the server ---------------------------------------------------------

inline constexpr absl::string_view kReadyEvents[] = {"connected"};
inline constexpr absl::string_view kMessageEvents[] = {"message:new"};
// Of a message that was there: an edit, a deletion, a reaction.
inline constexpr absl::string_view kChangeEvents[] = {
    "message:update", "message:delete", "reaction:update"};
inline constexpr absl::string_view kJoinedEvents[] = {"user:joined",
                                                      "channel:member_join"};
inline constexpr absl::string_view kLeftEvents[] = {"user:left",
                                                    "channel:member_leave"};
inline constexpr absl::string_view kPongEvents[] = {"pong"};

// --- To the server -----------------------------------------------------------

inline constexpr char kJoinRequest[] = "room:join";
inline constexpr char kLeaveRequest[] = "room:leave";
inline constexpr char kSendRequest[] = "message:send";
inline constexpr char kHistoryRequest[] = "sync:messages";
inline constexpr char kPingRequest[] = "ping";
inline constexpr char kAuthRefreshRequest[] = "auth:refresh";

// --- Capabilities that the ready event advertises ----------------------------

inline constexpr absl::string_view kAckMessageId = "ack.message-id";
inline constexpr absl::string_view kDedupClientMessageId =
    "dedup.client-message-id";
inline constexpr absl::string_view kSendOrdered = "send.ordered";
inline constexpr absl::string_view kHistoryCursor = "history.cursor";
inline constexpr absl::string_view kMessageChanges = "message.changes";
inline constexpr absl::string_view kRoomsMembership = "rooms.membership";

// True if `name` is one of `names`.
template <size_t N>
bool IsOneOf(absl::string_view name, const absl::string_view (&names)[N]) {
  for (const absl::string_view candidate : names) {
    if (candidate == name) return true;
  }
  return false;
}

}  // namespace parley::wire

#endif  // DAEMON_WIRE_EVENT_NAMES_H_
