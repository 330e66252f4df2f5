#ifndef DAEMON_CORE_API_EFFECT_H_
#define DAEMON_CORE_API_EFFECT_H_

#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "daemon/base/secret.h"
#include "daemon/base/time.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/timer_id.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"
#include "daemon/model/sync.h"

// Everything that the core can do to the world.
namespace parley::core {

// --- Answers to commands -----------------------------------------------------

struct MessageAccepted {
  model::ClientMessageId client_id;
  // True when this id had been accepted before: the answer is the first one's.
  bool repeated = false;
  model::SentRecord::Outcome outcome = model::SentRecord::Outcome::kQueued;
  model::MessageId message_id;  // when it was sent already
};
struct RoomReply {
  model::Room room;
};
struct CancelReply {
  model::CancelOutcome outcome = model::CancelOutcome::kCancelled;
  model::MessageId message_id;  // with kAlreadySent, where the server names it
};
struct FlushReply {
  uint64_t queued = 0;  // entries that are now tried without waiting
};
struct StatusReply {
  model::CoreStatus status;
};
struct SignOutReply {
  uint64_t discarded = 0;  // outbox entries
};
struct SyncReply {
  model::SyncStatus status;
};
struct Done {};

using ReplyBody =
    std::variant<MessageAccepted, RoomReply, CancelReply, FlushReply,
                 StatusReply, SignOutReply, SyncReply, Done>;

struct Reply {
  CallId call;
  absl::StatusOr<ReplyBody> result;
};

// --- The connection ----------------------------------------------------------

struct OpenConnection {
  ConnectionId connection;
  std::string server_url;
};
struct SendFrame {
  ConnectionId connection;
  std::string text;
};
// No event of this connection counts any more, not even its end.
struct CloseConnection {
  ConnectionId connection;
};
struct FetchCredentials {
  FetchId fetch;
};
// What FetchCredentials is answered with from now on, whatever else there is;
// empty: as configured. It lives in memory only, and over an EngineRebuilt.
struct KeepCredentials {
  base::Secret token;
};

// --- Timers ------------------------------------------------------------------

struct SetTimer {
  TimerId timer;
  base::MonotonicTime at;
};
struct CancelTimer {
  TimerId timer;
};

// --- Streams and traces ------------------------------------------------------

// The change feed has grown to `last`: durable streams read on.
struct FeedAdvanced {
  model::ChangeSeq last;
};
struct StatusChanged {
  model::CoreStatus status;
};
// One line for the log. Never content, never a token.
struct Log {
  enum class Severity { kDebug, kInfo, kWarning };
  Severity severity = Severity::kInfo;
  std::string text;
};

// The engine was built anew from the store, after a commit whose outcome is
// unknown: every timer is off, and any connection must be closed.
struct EngineRebuilt {};

using EffectBody =
    std::variant<Reply, OpenConnection, SendFrame, CloseConnection,
                 FetchCredentials, KeepCredentials, SetTimer, CancelTimer,
                 FeedAdvanced, StatusChanged, EngineRebuilt, Log>;

// When an effect may leave the core.
enum class Release {
  // At once: it promises nothing that is stored.
  kNow,
  // When everything written up to and including its step has been committed:
  // it tells somebody of something that a crash must not undo.
  kAfterCommit,
};

struct Effect {
  EffectBody body;
  Release release = Release::kAfterCommit;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_API_EFFECT_H_
