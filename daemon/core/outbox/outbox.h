#ifndef DAEMON_CORE_OUTBOX_OUTBOX_H_
#define DAEMON_CORE_OUTBOX_OUTBOX_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/request_sender.h"
#include "daemon/core/api/room_directory.h"
#include "daemon/core/api/step.h"
#include "daemon/model/connection.h"
#include "daemon/model/outbox.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// What the outbox tells the engine while it handles an event.
struct EntryAccepted {
  model::OutboxEntry entry;
};
struct EntryChanged {
  model::OutboxEntry entry;
};
struct EntrySent {
  model::OutboxEntry entry;  // as it was; it is gone
  wire::SendResult result;
};
struct EntryCancelled {
  model::OutboxEntry entry;  // as it was; it is gone
};
// A room has (again) or no longer has queued messages.
struct QueueFilled {
  model::RoomId room;
};
struct QueueDrained {
  model::RoomId room;
};
using OutboxOutput = std::variant<EntryAccepted, EntryChanged, EntrySent,
                                  EntryCancelled, QueueFilled, QueueDrained>;

// The durable queue of accepted messages: first in, first out in each room,
// rooms independent of each other. The life of an entry is drawn in
// daemon/model/outbox.h; the entries are in the store, and of each room only
// counters, a head cursor and what is on its way are in memory.
//
// Sending in one room, on one connection:
//
//     CLOSED -- room settled --> OPEN -- window not full --> frame leaves
//        ^                        | ^
//        |        refused, or no  | | everything on its way was answered,
//        |        answer in time  v | and the backoff is over
//   connection lost,           DRAINING
//   or room unsettled
//   (from any)
//
// With ordered sends up to the server's window is on its way at once, each
// naming the message before it; the first of a connection names none. Without,
// there is one. A refused message makes those behind it OUT_OF_ORDER: so
// nothing more is sent until all on their way are answered, then the rest goes
// again from the head, naming the last one accepted.
//
// A frame leaves only after its attempt is on the disk, so that after any crash
// what may have been sent is known, and a cancel can tell the truth.
//
// After the server closed the connection upon one of several frames, each of
// them is a suspect until it is answered: it travels alone, so that the next
// close has one cause. Single-threaded.
class Outbox {
 public:
  enum class AmbiguousPolicy {
    kResend,  // marked as a possible duplicate
    kHold,    // parked until a person decides
  };
  struct Options {
    uint64_t max_entries = model::kDefaultMaxOutboxEntries;
    uint64_t max_bytes = model::kDefaultMaxOutboxBytes;
    int max_answered_failures = model::kDefaultMaxAnsweredFailures;
    // On servers that do not de-duplicate.
    AmbiguousPolicy ambiguous = AmbiguousPolicy::kResend;
  };

  // Both must outlive the outbox.
  Outbox(const Options& options, RequestSender* sender,
         const RoomDirectory* rooms);

  absl::Status Load(const storage::Tables& tables);
  // Attempts of the process before are ambiguous.
  absl::Status OnStarted(StepContext* context);

  // Commands.
  absl::Status Accept(CallId call, SendMessage* send, StepContext* context);
  absl::Status Retry(CallId call, const model::ClientMessageId& id,
                     StepContext* context);
  absl::Status Cancel(CallId call, const model::ClientMessageId& id,
                      StepContext* context);
  absl::Status Flush(CallId call, StepContext* context);
  // Cancels at most `limit` entries, parked ones too, and returns how many.
  // Only while there is no connection.
  absl::StatusOr<size_t> Discard(size_t limit, StepContext* context);

  // The connection.
  void OnReady();
  absl::Status OnRoomSettled(const model::RoomId& room, StepContext* context);
  void OnRoomUnsettled(const model::RoomId& room);
  absl::Status OnLost(const std::string& reason, bool closed_by_server,
                      StepContext* context);
  absl::Status OnAnswer(RequestId request, const wire::Answer& answer,
                        StepContext* context);
  // A message of this account came from the server: an answer by another way.
  absl::Status OnEcho(const model::Message& message, StepContext* context);
  absl::Status OnTimer(const TimerId& timer, StepContext* context);

  std::vector<OutboxOutput> TakeOutputs();
  bool has_outputs() const { return !outputs_.empty(); }
  model::OutboxStatus status() const;
  std::vector<model::RoomId> QueuedRooms() const;
  // Cancels of messages on their way: answered once their fate is known.
  std::vector<CallId> WaitingCalls() const;

 private:
  // More of them in one step would hold up everybody else.
  static constexpr int kMaxParkedAStep = 100;

  struct InFlight {
    RequestId request;
    model::OutboxEntry entry;
    size_t frame_bytes = 0;
    base::MonotonicTime sent_at;
    std::vector<CallId> cancels;  // calls that wait for the truth
  };

  // One room with queued messages, or one that was sent into on this
  // connection.
  struct Queue {
    model::OutboxRoom room;
    std::deque<InFlight> in_flight;  // by seq
    model::OutboxSeq next{1};        // nothing before it is to be sent
    // The last accepted on this connection: what the next one names.
    std::optional<model::ClientMessageId> chain;
    model::OutboxSeq chain_seq;
    bool open = false;
    bool draining = false;
    bool backing_off = false;
    uint32_t failures = 0;  // transient ones in a row: the backoff
    bool waiting = false;   // is in waiting_
    std::optional<base::WallTime> oldest_at;  // of the head
  };

  struct Sent {
    model::RoomId room;
    model::ClientMessageId client_id;
  };

  // outbox.cc: the queue.
  absl::Status CheckAcceptable(const SendMessage& send,
                               const model::ClientMessageId& id) const;
  absl::Status AnswerRepeat(CallId call, const SendMessage& send,
                            const model::SentRecord& sent,
                            StepContext* context);
  absl::StatusOr<Queue*> QueueOf(const model::RoomId& room,
                                 StepContext* context);
  absl::Status Enqueue(Queue* queue, model::OutboxEntry* entry,
                       StepContext* context);
  absl::Status Park(Queue* queue, model::OutboxEntry entry,
                    model::FailureReason reason, StepContext* context);
  absl::Status Settle(Queue* queue, const model::OutboxEntry& entry,
                      const wire::SendResult& result, StepContext* context);
  absl::Status Remove(Queue* queue, const model::OutboxEntry& entry,
                      model::SentRecord::Outcome outcome,
                      const model::MessageId& message_id, StepContext* context);
  // What `entry` (queued until now) leaves behind in its room's counters.
  absl::Status LeaveQueue(Queue* queue, const model::OutboxEntry& entry,
                          StepContext* context);
  absl::Status SetNextExpiry(StepContext* context);
  absl::Status ParkExpired(StepContext* context);
  void AddHistory(model::OutboxEntry* entry, std::string what,
                  std::string detail, StepContext* context) const;

  // outbox_cancel.cc
  static absl::Status NoSuchMessage(const model::ClientMessageId& id);
  absl::Status CancelNow(Queue* queue, const model::OutboxEntry& entry,
                         const std::vector<CallId>& calls,
                         StepContext* context);

  // outbox_sending.cc: what is on its way.
  absl::Status Pump(Queue* queue, StepContext* context);
  absl::Status PumpWaiting(StepContext* context);
  absl::Status SendEntry(Queue* queue, model::OutboxEntry entry,
                         StepContext* context);
  absl::StatusOr<bool> ParkUnsendable(Queue* queue,
                                      const model::OutboxEntry& entry,
                                      StepContext* context);
  absl::Status OnRefused(Queue* queue, InFlight sent,
                         const wire::RequestError& error, StepContext* context);
  absl::Status MakeAmbiguous(Queue* queue, InFlight sent,
                             const std::string& why, StepContext* context);
  absl::Status AfterAnswer(Queue* queue, StepContext* context);
  absl::Status OnLateSuccess(const model::ClientMessageId& id,
                             const wire::SendResult& result,
                             StepContext* context);
  absl::Status OnSendTimeout(Queue* queue, StepContext* context);
  absl::Status Blame(const std::string& reason, StepContext* context);
  void Chain(Queue* queue, const model::OutboxEntry& entry);
  std::optional<InFlight> TakeInFlight(Queue* queue,
                                       const model::ClientMessageId& id);
  void BackOff(Queue* queue, std::optional<absl::Duration> retry_after,
               StepContext* context);
  void ArmSendTimer(Queue* queue, StepContext* context);
  uint32_t Window() const;
  bool MaySend(const Queue& queue, const model::OutboxEntry& entry,
               size_t frame_bytes) const;
  void Wait(Queue* queue);
  void SetOldest(Queue* queue, std::optional<base::WallTime> oldest);

  const Options options_;
  RequestSender* const sender_;
  const RoomDirectory* const rooms_;

  std::map<model::RoomId, Queue> queues_;
  uint64_t entries_ = 0;  // queued and failed, of all rooms
  uint64_t failed_ = 0;
  uint64_t bytes_ = 0;

  std::map<RequestId, Sent> requests_;  // also given-up ones
  size_t in_flight_ = 0;
  size_t in_flight_bytes_ = 0;
  std::deque<model::RoomId> waiting_;  // for in_flight_ to shrink, in turn
  std::set<std::pair<base::WallTime, model::RoomId>> oldest_;
  std::set<model::ClientMessageId> suspects_;
  bool suspect_in_flight_ = false;
  std::vector<OutboxOutput> outputs_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_OUTBOX_OUTBOX_H_
