#include "daemon/core/outbox/outbox.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"

namespace parley::core {
namespace {

constexpr absl::Duration kPruneInterval = absl::Hours(1);
constexpr size_t kPruneBatch = 1000;
// Looked at again at least this often: the wall clock may have jumped.
constexpr absl::Duration kMaxExpirySleep = absl::Hours(1);

bool IsQueued(const model::OutboxEntry& entry) {
  return entry.state != model::OutboxState::kFailed;
}

}  // namespace

Outbox::Outbox(const Options& options, RequestSender* sender,
               const RoomDirectory* rooms)
    : options_(options), sender_(sender), rooms_(rooms) {}

absl::Status Outbox::Load(const storage::Tables& tables) {
  auto rooms = tables.AllOutboxRooms();
  if (!rooms.ok()) return rooms.status();
  for (model::OutboxRoom& room : *rooms) {
    entries_ += room.queued + room.failed;
    failed_ += room.failed;
    bytes_ += room.bytes;
    if (room.queued == 0) continue;
    auto head = tables.QueuedEntries(room.room, room.head_seq, 1);
    if (!head.ok()) return head.status();
    Queue& queue = queues_[room.room];
    queue.next = room.head_seq;
    queue.room = std::move(room);
    if (!head->empty()) SetOldest(&queue, head->front().accepted_at);
  }
  return absl::OkStatus();
}

absl::Status Outbox::OnStarted(StepContext* context) {
  for (auto& [id, queue] : queues_) {
    // What was on its way is within one window of the head.
    auto entries = context->tables().QueuedEntries(id, queue.room.head_seq,
                                                   model::kMaxSendsInFlight);
    if (!entries.ok()) return entries.status();
    for (model::OutboxEntry& entry : *entries) {
      if (entry.state != model::OutboxState::kSending) continue;
      entry.state = model::OutboxState::kAmbiguous;
      entry.possibly_sent = true;
      AddHistory(&entry, "ambiguous", "the daemon stopped before the answer",
                 context);
      if (absl::Status status = context->tables().PutOutboxEntry(&entry);
          !status.ok()) {
        return status;
      }
      outputs_.push_back(EntryChanged{entry});
    }
  }
  context->SetTimerIn({TimerKind::kPruneSent, {}}, absl::Minutes(1));
  return SetNextExpiry(context);
}

absl::Status Outbox::Accept(CallId call, SendMessage* send,
                            StepContext* context) {
  model::ClientMessageId id = send->client_id;
  if (id.empty()) {
    id = model::MakeClientMessageId(context->wall(), context->rng());
  } else {
    auto sent = context->tables().FindSent(id);
    if (!sent.ok()) return sent.status();
    if (sent->has_value()) return AnswerRepeat(call, *send, **sent, context);
  }
  if (absl::Status refused = CheckAcceptable(*send, id); !refused.ok()) {
    context->ReplyTo(call, std::move(refused));
    return absl::OkStatus();
  }
  auto queue = QueueOf(send->room, context);
  if (!queue.ok()) return queue.status();

  model::OutboxEntry entry;
  entry.room = send->room;
  entry.client_id = id;
  entry.content = std::move(send->content);
  entry.accepted_at = context->wall();
  if (send->expire_after.has_value()) {
    entry.expires_at = context->wall() + *send->expire_after;
  }
  ++entries_;
  bytes_ += model::ContentBytes(entry.content);
  (*queue)->room.bytes += model::ContentBytes(entry.content);
  context->tables().staged()->RequireSync();
  if (absl::Status status = Enqueue(*queue, &entry, context); !status.ok()) {
    return status;
  }
  outputs_.push_back(EntryAccepted{entry});
  MessageAccepted accepted;
  accepted.client_id = id;
  context->ReplyTo(call, accepted);
  if (entry.expires_at.has_value()) {
    if (absl::Status status = SetNextExpiry(context); !status.ok()) {
      return status;
    }
  }
  return Pump(*queue, context);
}

absl::Status Outbox::CheckAcceptable(const SendMessage& send,
                                     const model::ClientMessageId& id) const {
  if (absl::Status refused = sender_->AcceptsWork(); !refused.ok()) {
    return refused;
  }
  if (!rooms_->IsMember(send.room)) {
    return model::MakeError(
        absl::StatusCode::kFailedPrecondition, model::ErrorReason::kNotInRoom,
        absl::StrCat("not in room ", send.room.value(), "; join it first"));
  }
  if (entries_ >= options_.max_entries) {
    return model::MakeError(
        absl::StatusCode::kResourceExhausted, model::ErrorReason::kOutboxFull,
        absl::StrCat("the outbox is full: it holds ", entries_,
                     " messages, the most allowed; wait until some are sent, "
                     "or cancel some"));
  }
  const uint64_t bytes = model::ContentBytes(send.content);
  if (bytes_ + bytes > options_.max_bytes) {
    return model::MakeError(
        absl::StatusCode::kResourceExhausted, model::ErrorReason::kOutboxFull,
        absl::StrCat("the outbox is full: it holds ", bytes_, " of ",
                     options_.max_bytes,
                     " bytes; wait until some messages are sent, or cancel "
                     "some"));
  }
  const model::ServerCapabilities& server = sender_->capabilities();
  if (server.max_text_bytes != 0 &&
      send.content.text.size() > server.max_text_bytes) {
    return model::MakeError(
        absl::StatusCode::kInvalidArgument,
        model::ErrorReason::kMessageTooLarge,
        absl::StrCat("the text has ", send.content.text.size(),
                     " bytes; the server takes ", server.max_text_bytes));
  }
  const size_t frame = wire::MaxSendFrameBytes(send.room, id, send.content);
  if (frame > server.max_payload_bytes) {
    return model::MakeError(
        absl::StatusCode::kInvalidArgument,
        model::ErrorReason::kMessageTooLarge,
        absl::StrCat("the message needs up to ", frame,
                     " bytes on the wire; the server takes ",
                     server.max_payload_bytes));
  }
  return absl::OkStatus();
}

absl::Status Outbox::AnswerRepeat(CallId call, const SendMessage& send,
                                  const model::SentRecord& sent,
                                  StepContext* context) {
  if (sent.fingerprint != model::ContentFingerprint(send.room, send.content)) {
    context->ReplyTo(
        call,
        model::MakeError(
            absl::StatusCode::kAlreadyExists,
            model::ErrorReason::kIdempotencyMismatch,
            absl::StrCat("the client message id ", sent.client_id.value(),
                         " was used for another message; choose a new one")));
    return absl::OkStatus();
  }
  MessageAccepted accepted;
  accepted.client_id = sent.client_id;
  accepted.repeated = true;
  accepted.outcome = sent.outcome;
  accepted.message_id = sent.message_id;
  context->ReplyTo(call, accepted);
  return absl::OkStatus();
}

absl::StatusOr<Outbox::Queue*> Outbox::QueueOf(const model::RoomId& room,
                                               StepContext* context) {
  const auto it = queues_.find(room);
  if (it != queues_.end()) return &it->second;
  auto stored = context->tables().FindOutboxRoom(room);
  if (!stored.ok()) return stored.status();
  Queue& queue = queues_[room];
  if (stored->has_value()) {
    queue.room = **std::move(stored);
  } else {
    queue.room.room = room;
  }
  queue.next = queue.room.next_seq;
  return &queue;
}

absl::Status Outbox::Enqueue(Queue* queue, model::OutboxEntry* entry,
                             StepContext* context) {
  entry->seq = queue->room.next_seq;
  entry->state = model::OutboxState::kPending;
  queue->room.next_seq = queue->room.next_seq.Next();
  if (queue->room.queued == 0) {
    queue->room.head_seq = entry->seq;
    queue->next = entry->seq;
    SetOldest(queue, entry->accepted_at);
    outputs_.push_back(QueueFilled{entry->room});
  }
  ++queue->room.queued;
  context->tables().PutOutboxRoom(queue->room);
  if (absl::Status status = context->tables().PutOutboxEntry(entry);
      !status.ok()) {
    return status;
  }
  model::SentRecord sent;
  sent.client_id = entry->client_id;
  sent.room = entry->room;
  sent.fingerprint = model::ContentFingerprint(entry->room, entry->content);
  sent.outcome = model::SentRecord::Outcome::kQueued;
  sent.seq = entry->seq;
  sent.accepted_at = entry->accepted_at;
  return context->tables().PutSent(sent);
}

absl::Status Outbox::Retry(CallId call, const model::ClientMessageId& id,
                           StepContext* context) {
  auto found = context->tables().FindOutboxEntry(id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    auto sent = context->tables().FindSent(id);
    if (!sent.ok()) return sent.status();
    context->ReplyTo(
        call,
        sent->has_value()
            ? model::MakeError(absl::StatusCode::kFailedPrecondition,
                               model::ErrorReason::kWrongState,
                               absl::StrCat("message ", id.value(),
                                            " has left the outbox; only "
                                            "a failed one can be retried"))
            : NoSuchMessage(id));
    return absl::OkStatus();
  }
  model::OutboxEntry entry = **std::move(found);
  if (!rooms_->IsMember(entry.room)) {
    context->ReplyTo(
        call, model::MakeError(absl::StatusCode::kFailedPrecondition,
                               model::ErrorReason::kNotInRoom,
                               absl::StrCat("not in room ", entry.room.value(),
                                            "; join it first")));
    return absl::OkStatus();
  }
  auto queue = QueueOf(entry.room, context);
  if (!queue.ok()) return queue.status();
  if (IsQueued(entry)) {
    (*queue)->backing_off = false;
    context->StopTimer({TimerKind::kSendRetry, entry.room});
  } else {
    entry.answered_failures = 0;
    entry.poison_closes = 0;
    entry.failure = model::FailureReason::kNone;
    entry.expires_at.reset();
    AddHistory(&entry, "retried", "", context);
    --(*queue)->room.failed;
    --failed_;
    context->tables().staged()->RequireSync();
    if (absl::Status status = Enqueue(*queue, &entry, context); !status.ok()) {
      return status;
    }
    outputs_.push_back(EntryAccepted{entry});
  }
  context->ReplyTo(call, Done{});
  return Pump(*queue, context);
}

absl::Status Outbox::Flush(CallId call, StepContext* context) {
  FlushReply reply;
  std::vector<Queue*> queues;
  for (auto& [id, queue] : queues_) {
    reply.queued += queue.room.queued;
    if (queue.backing_off) {
      queue.backing_off = false;
      context->StopTimer({TimerKind::kSendRetry, id});
      queues.push_back(&queue);
    }
  }
  context->ReplyTo(call, reply);
  for (Queue* queue : queues) {
    if (absl::Status status = Pump(queue, context); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Outbox::Park(Queue* queue, model::OutboxEntry entry,
                          model::FailureReason reason, StepContext* context) {
  entry.state = model::OutboxState::kFailed;
  entry.failure = reason;
  AddHistory(&entry, "failed", entry.last_error_message, context);
  if (absl::Status status = context->tables().PutOutboxEntry(&entry);
      !status.ok()) {
    return status;
  }
  auto sent = context->tables().FindSent(entry.client_id);
  if (!sent.ok()) return sent.status();
  if (sent->has_value()) {
    (*sent)->outcome = model::SentRecord::Outcome::kFailed;
    if (absl::Status status = context->tables().PutSent(**sent); !status.ok()) {
      return status;
    }
  }
  ++queue->room.failed;
  ++failed_;
  suspects_.erase(entry.client_id);
  context->tables().staged()->RequireSync();
  context->LogLine(Log::Severity::kWarning,
                   absl::StrCat("a message in room ", entry.room.value(),
                                " is parked as FAILED: ", entry.last_error_code,
                                " ", entry.last_error_message, " (outbox show ",
                                entry.client_id.value(), ")"));
  outputs_.push_back(EntryChanged{entry});
  return LeaveQueue(queue, entry, context);
}

absl::Status Outbox::Settle(Queue* queue, const model::OutboxEntry& entry,
                            const wire::SendResult& result,
                            StepContext* context) {
  // A server that de-duplicates can tell again; another one cannot.
  if (!sender_->capabilities().deduplicates) {
    context->tables().staged()->RequireSync();
  }
  if (absl::Status status = Remove(
          queue, entry, model::SentRecord::Outcome::kSent, result.id, context);
      !status.ok()) {
    return status;
  }
  outputs_.push_back(EntrySent{entry, result});
  return absl::OkStatus();
}

absl::Status Outbox::Remove(Queue* queue, const model::OutboxEntry& entry,
                            model::SentRecord::Outcome outcome,
                            const model::MessageId& message_id,
                            StepContext* context) {
  if (absl::Status status =
          context->tables().RemoveOutboxEntry(entry.client_id);
      !status.ok()) {
    return status;
  }
  auto sent = context->tables().FindSent(entry.client_id);
  if (!sent.ok()) return sent.status();
  if (sent->has_value()) {
    (*sent)->outcome = outcome;
    (*sent)->message_id = message_id;
    (*sent)->settled_at = context->wall();
    if (absl::Status status = context->tables().PutSent(**sent); !status.ok()) {
      return status;
    }
  }
  const uint64_t bytes = model::ContentBytes(entry.content);
  --entries_;
  bytes_ -= bytes;
  queue->room.bytes -= bytes;
  suspects_.erase(entry.client_id);
  if (IsQueued(entry)) return LeaveQueue(queue, entry, context);
  --queue->room.failed;
  --failed_;
  context->tables().PutOutboxRoom(queue->room);
  return absl::OkStatus();
}

absl::Status Outbox::LeaveQueue(Queue* queue, const model::OutboxEntry& entry,
                                StepContext* context) {
  --queue->room.queued;
  if (entry.seq == queue->room.head_seq && queue->room.queued > 0) {
    auto head =
        context->tables().QueuedEntries(queue->room.room, entry.seq.Next(), 1);
    if (!head.ok()) return head.status();
    if (head->empty()) {
      return absl::DataLossError(
          absl::StrCat("the outbox of room ", queue->room.room.value(),
                       " counts more messages than there are"));
    }
    queue->room.head_seq = head->front().seq;
    SetOldest(queue, head->front().accepted_at);
  }
  if (queue->room.queued == 0) {
    queue->room.head_seq = queue->room.next_seq;
    SetOldest(queue, std::nullopt);
    outputs_.push_back(QueueDrained{queue->room.room});
  }
  queue->next = std::max(queue->next, queue->room.head_seq);
  context->tables().PutOutboxRoom(queue->room);
  return absl::OkStatus();
}

absl::Status Outbox::SetNextExpiry(StepContext* context) {
  auto next = context->tables().NextToExpire();
  if (!next.ok()) return next.status();
  if (!next->has_value()) {
    context->StopTimer({TimerKind::kExpiry, {}});
    return absl::OkStatus();
  }
  const absl::Duration until = *(*next)->expires_at - context->wall();
  context->SetTimerIn(
      {TimerKind::kExpiry, {}},
      std::min(std::max(until, absl::ZeroDuration()), kMaxExpirySleep));
  return absl::OkStatus();
}

absl::Status Outbox::ParkExpired(StepContext* context) {
  for (int parked = 0; parked < kMaxParkedAStep; ++parked) {
    auto next = context->tables().NextToExpire();
    if (!next.ok()) return next.status();
    if (!next->has_value() || *(*next)->expires_at > context->wall()) {
      return SetNextExpiry(context);
    }
    model::OutboxEntry entry = **std::move(next);
    auto queue = QueueOf(entry.room, context);
    if (!queue.ok()) return queue.status();
    const auto& in_flight = (*queue)->in_flight;
    if (std::any_of(in_flight.begin(), in_flight.end(),
                    [&entry](const InFlight& sent) {
                      return sent.entry.client_id == entry.client_id;
                    })) {
      // It left in time. If it is refused, the next look parks it.
      context->SetTimerIn({TimerKind::kExpiry, {}}, model::kRequestTimeout);
      return absl::OkStatus();
    }
    entry.last_error_code = "EXPIRED";
    entry.last_error_message = "its time passed before it could be sent";
    if (absl::Status status = Park(*queue, std::move(entry),
                                   model::FailureReason::kExpired, context);
        !status.ok()) {
      return status;
    }
  }
  context->SetTimerIn({TimerKind::kExpiry, {}}, absl::ZeroDuration());
  return absl::OkStatus();
}

absl::Status Outbox::OnTimer(const TimerId& timer, StepContext* context) {
  if (timer.kind == TimerKind::kExpiry) return ParkExpired(context);
  if (timer.kind == TimerKind::kPruneSent) {
    auto pruned = context->tables().PruneSent(
        context->wall() - model::kSentIdRetention, kPruneBatch);
    if (!pruned.ok()) return pruned.status();
    context->SetTimerIn({TimerKind::kPruneSent, {}}, *pruned == kPruneBatch
                                                         ? absl::Seconds(1)
                                                         : kPruneInterval);
    return absl::OkStatus();
  }
  const auto it = queues_.find(timer.room);
  if (it == queues_.end()) return absl::OkStatus();
  if (timer.kind == TimerKind::kSendTimeout) {
    return OnSendTimeout(&it->second, context);
  }
  it->second.backing_off = false;
  return Pump(&it->second, context);
}

void Outbox::AddHistory(model::OutboxEntry* entry, std::string what,
                        std::string detail, StepContext* context) const {
  if (entry->history.size() >= model::kMaxOutboxHistory) {
    entry->history.erase(entry->history.begin());
  }
  entry->history.push_back(
      {context->wall(), std::move(what), std::move(detail)});
}

void Outbox::SetOldest(Queue* queue, std::optional<base::WallTime> oldest) {
  if (queue->oldest_at.has_value()) {
    oldest_.erase({*queue->oldest_at, queue->room.room});
  }
  queue->oldest_at = oldest;
  if (oldest.has_value()) oldest_.insert({*oldest, queue->room.room});
}

std::vector<OutboxOutput> Outbox::TakeOutputs() {
  return std::exchange(outputs_, {});
}

model::OutboxStatus Outbox::status() const {
  model::OutboxStatus status;
  status.queued = entries_ - failed_;
  status.failed = failed_;
  status.bytes = bytes_;
  status.max_entries = options_.max_entries;
  status.max_bytes = options_.max_bytes;
  if (!oldest_.empty()) status.oldest_queued_at = oldest_.begin()->first;
  return status;
}

std::vector<model::RoomId> Outbox::QueuedRooms() const {
  std::vector<model::RoomId> rooms;
  for (const auto& [id, queue] : queues_) {
    if (queue.room.queued > 0) rooms.push_back(id);
  }
  return rooms;
}

std::vector<CallId> Outbox::WaitingCalls() const {
  std::vector<CallId> calls;
  for (const auto& [id, queue] : queues_) {
    for (const InFlight& sent : queue.in_flight) {
      calls.insert(calls.end(), sent.cancels.begin(), sent.cancels.end());
    }
  }
  return calls;
}

}  // namespace parley::core
