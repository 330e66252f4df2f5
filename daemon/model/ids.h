#ifndef DAEMON_MODEL_IDS_H_
#define DAEMON_MODEL_IDS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "daemon/base/rng.h"
#include "daemon/base/strong_id.h"
#include "daemon/base/time.h"

namespace parley::model {

// A user as the server names them.
using UserId = base::StrongString<struct UserIdTag>;

// A room as the server names it. Opaque: its kind is never read from the name.
using RoomId = base::StrongString<struct RoomIdTag>;

// A thread inside a room. It shares its room's order.
using ThreadId = base::StrongString<struct ThreadIdTag>;

// The sender's own name of a message, chosen before anything leaves the
// device. It is what makes a repeat recognisable.
using ClientMessageId = base::StrongString<struct ClientMessageIdTag>;

// The server's name of a message. On a server that names none, one made by
// this daemon that starts with kLocalMessageIdPrefix.
using MessageId = base::StrongString<struct MessageIdTag>;
inline constexpr absl::string_view kLocalMessageIdPrefix = "local:";

// The position of a change in the store-wide change feed. 0: before the first.
using ChangeSeq = base::StrongInt<struct ChangeSeqTag>;

// The position of a message in the outbox of its room. Never used again, not
// even after a restart, so that it orders all that was ever queued there.
using OutboxSeq = base::StrongInt<struct OutboxSeqTag>;

// 1 to 255 bytes of UTF-8 without NUL. INVALID_ARGUMENT says what is wrong.
absl::Status ValidateRoomId(absl::string_view name);

// 1 to 128 bytes of printable ASCII without spaces.
absl::Status ValidateClientMessageId(absl::string_view id);

// True for well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong).
bool IsValidUtf8(absl::string_view text);

// A UUIDv7: sorts by time, and is unique without asking anyone.
ClientMessageId MakeClientMessageId(base::WallTime now, base::Rng* rng);

}  // namespace parley::model

#endif  // DAEMON_MODEL_IDS_H_
