#ifndef DAEMON_MODEL_OUTBOX_H_
#define DAEMON_MODEL_OUTBOX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"

namespace parley::model {

// An accepted message that the server has not confirmed.
//
//            accept
//              |
//              v        frame leaves
//          PENDING ----------------------> SENDING --- ack or echo --> (gone)
//           ^  |  ^                         |  |  ^
//     retry |  |  '--- refused, transient --'  |  |  frame leaves again
//           |  |                               |  |
//           |  | expired              link or  |  |
//           |  v                    answer lost v  |
//           FAILED <-- refused for good --- AMBIGUOUS
//
// A FAILED entry is parked: it keeps its evidence and no longer holds up its
// room. It is left by retry (to the tail of its room) or by cancel.
enum class OutboxState {
  kPending = 1,
  kSending = 2,
  kAmbiguous = 3,
  kFailed = 4,
};

// Why an entry is FAILED.
enum class FailureReason {
  kNone = 0,
  kRefused,          // the server said no, for good
  kTooManyFailures,  // refused again and again, each time as transient
  kPoison,           // the server closed the connection upon it
  kExpired,          // its time passed before it could be sent
  kTooLarge,         // the server's limit shrank below it
  kHeld,             // ambiguous, on a server that cannot tell, by policy
};

// One line of an entry's past, oldest first.
struct OutboxAttempt {
  base::WallTime at;
  std::string what;    // "sent", "refused", "connection lost", "retried" ...
  std::string detail;  // the server's code and words, or empty
};

struct OutboxEntry {
  RoomId room;
  OutboxSeq seq;
  ClientMessageId client_id;
  MessageContent content;
  OutboxState state = OutboxState::kPending;
  base::WallTime accepted_at;
  std::optional<base::WallTime> expires_at;

  uint32_t sends = 0;              // frames that left for it
  uint32_t answered_failures = 0;  // since it was accepted or last retried
  uint32_t poison_closes = 0;
  // A frame left for it that was never answered: it may be at the server.
  bool possibly_sent = false;
  // It is sent again although it may be at a server that does not
  // de-duplicate.
  bool possible_duplicate = false;
  FailureReason failure = FailureReason::kNone;
  std::string last_error_code;     // the server's, or one of ours
  std::string last_error_message;  // for a person
  std::vector<OutboxAttempt> history;
  ChangeSeq change_seq;
};

// Of the queue of one room: what is kept in memory and on disk instead of its
// entries. FAILED entries are not in the queue and are counted apart.
struct OutboxRoom {
  RoomId room;
  OutboxSeq next_seq{1};  // what the next entry gets
  OutboxSeq head_seq{1};  // no queued entry is before it
  uint64_t queued = 0;
  uint64_t failed = 0;
  uint64_t bytes = 0;  // of queued and failed entries

  bool idle() const { return queued == 0 && failed == 0; }
};

// What became of a client message id, kept against repeats.
struct SentRecord {
  enum class Outcome {
    kQueued = 0,
    kFailed = 1,
    kSent = 2,
    kCancelled = 3,
    kCancelledAfterSend = 4,  // it may have arrived; it is not sent again
  };
  ClientMessageId client_id;
  RoomId room;
  uint64_t fingerprint = 0;
  Outcome outcome = Outcome::kQueued;
  OutboxSeq seq;         // where the entry is while queued or failed
  MessageId message_id;  // when sent, where the server names it
  base::WallTime accepted_at;
  base::WallTime settled_at;  // when it left the outbox; epoch before
};

// The state of an own message for its sender, in order. It never steps back,
// except that FAILED is left by a retry.
enum class DeliveryState {
  kPending = 1,
  kSending = 2,
  kSent = 3,
  kDelivered = 4,
  kRead = 5,
  kFailed = 6,
};

struct Delivery {
  ClientMessageId client_id;
  RoomId room;
  MessageId message_id;
  DeliveryState state = DeliveryState::kPending;
  base::WallTime updated_at;
  ChangeSeq change_seq;
};

// What a cancel achieved. The truth, not a wish.
enum class CancelOutcome {
  kCancelled = 1,     // it did not reach the server and never will
  kAlreadySent = 2,   // the server has it
  kPossiblySent = 3,  // it left, the answer is lost; it is not sent again
};

}  // namespace parley::model

#endif  // DAEMON_MODEL_OUTBOX_H_
