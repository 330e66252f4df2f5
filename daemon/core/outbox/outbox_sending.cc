#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/core/outbox/outbox.h"
#include "daemon/model/limits.h"

namespace parley::core {
namespace {

constexpr absl::Duration kBackoffBase = absl::Seconds(1);
constexpr absl::Duration kBackoffCap = absl::Seconds(30);
// A server that asks for more is asked again after this all the same.
constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);
// A close that comes later than this after the last frame is not its doing.
constexpr absl::Duration kBlameWindow = absl::Seconds(5);
// Given-up requests that may still be answered.
constexpr size_t kMaxRequests = 4096;

}  // namespace

void Outbox::OnReady() {
  // Each queue opens when its room is settled on this connection.
  for (auto& [id, queue] : queues_) {
    queue.next = queue.room.head_seq;
    queue.failures = 0;
  }
}

absl::Status Outbox::OnRoomSettled(const model::RoomId& room,
                                   StepContext* context) {
  auto queue = QueueOf(room, context);
  if (!queue.ok()) return queue.status();
  if ((*queue)->open) return absl::OkStatus();
  (*queue)->open = true;
  return Pump(*queue, context);
}

void Outbox::OnRoomUnsettled(const model::RoomId& room) {
  const auto it = queues_.find(room);
  if (it != queues_.end()) it->second.open = false;
}

uint32_t Outbox::Window() const {
  const model::ServerCapabilities& server = sender_->capabilities();
  return server.ordered_sends ? server.ordered_window : 1;
}

bool Outbox::MaySend(const Queue& queue, const model::OutboxEntry& entry,
                     size_t frame_bytes) const {
  if (queue.in_flight.size() >= Window()) return false;
  if (in_flight_ == 0) return true;
  if (suspect_in_flight_ || suspects_.count(entry.client_id) > 0) return false;
  return in_flight_ < model::kMaxSendsInFlight &&
         in_flight_bytes_ + frame_bytes <= model::kMaxSendBytesInFlight;
}

void Outbox::Wait(Queue* queue) {
  if (queue->waiting) return;
  queue->waiting = true;
  waiting_.push_back(queue->room.room);
}

absl::Status Outbox::Pump(Queue* queue, StepContext* context) {
  if (!sender_->ready()) return absl::OkStatus();
  int budget = kMaxParkedAStep;
  while (queue->open && !queue->draining && !queue->backing_off &&
         queue->room.queued > queue->in_flight.size() &&
         queue->in_flight.size() < Window()) {
    auto entries =
        context->tables().QueuedEntries(queue->room.room, queue->next, 1);
    if (!entries.ok()) return entries.status();
    if (entries->empty()) break;
    model::OutboxEntry entry = std::move(entries->front());
    queue->next = entry.seq.Next();
    auto parked = ParkUnsendable(queue, entry, context);
    if (!parked.ok()) return parked.status();
    if (*parked) {
      if (--budget > 0) continue;
      queue->backing_off = true;
      context->SetTimerIn({TimerKind::kSendRetry, queue->room.room},
                          absl::ZeroDuration());
      break;
    }
    // The server takes a repeat whatever was before it, and from there on goes
    // on with the chain. One that was retried behind others must not so carry
    // what follows it past one of them that is refused.
    if (entry.possibly_sent && entry.state == model::OutboxState::kPending &&
        !queue->in_flight.empty()) {
      queue->next = entry.seq;
      break;
    }
    const size_t frame_bytes =
        wire::MaxSendFrameBytes(entry.room, entry.client_id, entry.content);
    if (!MaySend(*queue, entry, frame_bytes)) {
      queue->next = entry.seq;
      Wait(queue);
      break;
    }
    if (absl::Status status = SendEntry(queue, std::move(entry), context);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status Outbox::PumpWaiting(StepContext* context) {
  // First come, first served: the first that still has to wait keeps its place
  // before everybody who came later.
  while (!waiting_.empty()) {
    const auto it = queues_.find(waiting_.front());
    if (it == queues_.end()) {
      waiting_.pop_front();
      continue;
    }
    Queue* queue = &it->second;
    waiting_.pop_front();
    queue->waiting = false;
    const size_t others = waiting_.size();
    const size_t in_flight = queue->in_flight.size();
    if (absl::Status status = Pump(queue, context); !status.ok()) {
      return status;
    }
    if (queue->waiting) {
      // It waits again. Without a free place nobody else gets one either; and
      // who got nothing has not had its turn.
      if (waiting_.size() > others && queue->in_flight.size() == in_flight) {
        waiting_.pop_back();
        waiting_.push_front(queue->room.room);
      }
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Outbox::ParkUnsendable(Queue* queue,
                                            const model::OutboxEntry& entry,
                                            StepContext* context) {
  const model::ServerCapabilities& server = sender_->capabilities();
  model::OutboxEntry parked = entry;
  model::FailureReason reason = model::FailureReason::kNone;
  if (entry.expires_at.has_value() && *entry.expires_at <= context->wall()) {
    reason = model::FailureReason::kExpired;
    parked.last_error_code = "EXPIRED";
    parked.last_error_message = "its time passed before it could be sent";
  } else if (wire::MaxSendFrameBytes(entry.room, entry.client_id,
                                     entry.content) >
             server.max_payload_bytes) {
    reason = model::FailureReason::kTooLarge;
    parked.last_error_code = "MESSAGE_TOO_LARGE";
    parked.last_error_message =
        absl::StrCat("the server takes only ", server.max_payload_bytes,
                     " bytes; it would end the connection");
  } else if (entry.possibly_sent && !server.deduplicates &&
             options_.ambiguous == AmbiguousPolicy::kHold &&
             entry.state == model::OutboxState::kAmbiguous) {
    reason = model::FailureReason::kHeld;
    parked.last_error_code = "AMBIGUOUS";
    parked.last_error_message =
        "it may have arrived, and the server cannot tell; retry or cancel it";
  }
  if (reason == model::FailureReason::kNone) return false;
  absl::Status status = Park(queue, std::move(parked), reason, context);
  if (!status.ok()) return status;
  return true;
}

absl::Status Outbox::SendEntry(Queue* queue, model::OutboxEntry entry,
                               StepContext* context) {
  const model::ServerCapabilities& server = sender_->capabilities();
  wire::SendOptions options;
  if (server.ordered_sends) {
    options.after = queue->in_flight.empty()
                        ? queue->chain
                        : queue->in_flight.back().entry.client_id;
  }
  if (entry.possibly_sent && !server.deduplicates) {
    entry.possible_duplicate = true;
  }
  // Where repeats are recognised, the mark would make it another message.
  options.possible_duplicate = entry.possible_duplicate && !server.deduplicates;
  const wire::Request request = sender_->dialect().EncodeSend(
      entry.room, entry.client_id, entry.content, options);

  entry.state = model::OutboxState::kSending;
  ++entry.sends;
  AddHistory(&entry, "sent",
             options.possible_duplicate ? "possibly for the second time" : "",
             context);
  // On the disk before the frame leaves: a cancel after a power cut could
  // otherwise promise that a message never reached the server.
  context->tables().staged()->RequireSync();
  if (absl::Status status = context->tables().PutOutboxEntry(&entry);
      !status.ok()) {
    return status;
  }
  InFlight sent;
  sent.frame_bytes =
      wire::MaxSendFrameBytes(entry.room, entry.client_id, entry.content);
  sent.request = sender_->Send(RequestOwner::kOutbox, request,
                               Release::kAfterCommit, context);
  sent.sent_at = context->monotonic();
  requests_[sent.request] = {entry.room, entry.client_id};
  if (requests_.size() > kMaxRequests) requests_.erase(requests_.begin());
  ++in_flight_;
  in_flight_bytes_ += sent.frame_bytes;
  suspect_in_flight_ = suspects_.count(entry.client_id) > 0;
  outputs_.push_back(EntryChanged{entry});
  sent.entry = std::move(entry);
  queue->in_flight.push_back(std::move(sent));
  if (queue->in_flight.size() == 1) ArmSendTimer(queue, context);
  return absl::OkStatus();
}

std::optional<Outbox::InFlight> Outbox::TakeInFlight(
    Queue* queue, const model::ClientMessageId& id) {
  for (auto it = queue->in_flight.begin(); it != queue->in_flight.end(); ++it) {
    if (it->entry.client_id != id) continue;
    InFlight sent = std::move(*it);
    queue->in_flight.erase(it);
    --in_flight_;
    in_flight_bytes_ -= sent.frame_bytes;
    // A suspect travels alone: whoever comes back is it.
    suspect_in_flight_ = false;
    return sent;
  }
  return std::nullopt;
}

void Outbox::Chain(Queue* queue, const model::OutboxEntry& entry) {
  // The echo of a later message may overtake the answer to this one.
  if (queue->chain.has_value() && entry.seq < queue->chain_seq) return;
  queue->chain = entry.client_id;
  queue->chain_seq = entry.seq;
}

absl::Status Outbox::OnAnswer(RequestId request, const wire::Answer& answer,
                              StepContext* context) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return absl::OkStatus();
  const Sent which = std::move(found->second);
  requests_.erase(found);
  auto queue_or = QueueOf(which.room, context);
  if (!queue_or.ok()) return queue_or.status();
  Queue* queue = *queue_or;
  const bool current = std::any_of(
      queue->in_flight.begin(), queue->in_flight.end(),
      [request](const InFlight& sent) { return sent.request == request; });
  if (!current) {
    // Of an attempt that was given up. Only good news counts.
    if (answer.error.has_value()) return absl::OkStatus();
    return OnLateSuccess(which.client_id,
                         sender_->dialect().DecodeSendResult(answer.data),
                         context);
  }
  InFlight sent = *TakeInFlight(queue, which.client_id);
  if (answer.error.has_value()) {
    if (absl::Status status =
            OnRefused(queue, std::move(sent), *answer.error, context);
        !status.ok()) {
      return status;
    }
    return AfterAnswer(queue, context);
  }
  const wire::SendResult result =
      sender_->dialect().DecodeSendResult(answer.data);
  Chain(queue, sent.entry);
  queue->failures = 0;
  for (const CallId call : sent.cancels) {
    context->ReplyTo(
        call, CancelReply{model::CancelOutcome::kAlreadySent, result.id});
  }
  if (absl::Status status = Settle(queue, sent.entry, result, context);
      !status.ok()) {
    return status;
  }
  return AfterAnswer(queue, context);
}

absl::Status Outbox::OnRefused(Queue* queue, InFlight sent,
                               const wire::RequestError& error,
                               StepContext* context) {
  model::OutboxEntry& entry = sent.entry;
  // What is behind it on its way names it, and will be refused as well.
  const bool follows_refused = std::exchange(queue->draining, true);
  const bool unknown = error.error_class == wire::ErrorClass::kUnknown;
  if (unknown) entry.possibly_sent = true;
  suspects_.erase(entry.client_id);
  AddHistory(&entry, "refused", absl::StrCat(error.code, ": ", error.message),
             context);
  if (!sent.cancels.empty()) {
    return CancelNow(queue, entry, sent.cancels, context);
  }
  entry.state =
      unknown ? model::OutboxState::kAmbiguous : model::OutboxState::kPending;
  if (error.error_class == wire::ErrorClass::kOutOfOrder) {
    // Nothing before it was refused, yet its predecessor is not the server's
    // last: the chain starts anew.
    if (!follows_refused) {
      if (queue->chain.has_value()) {
        queue->chain.reset();
      } else {
        BackOff(queue, error.retry_after, context);
      }
    }
  } else {
    entry.last_error_code = error.code;
    entry.last_error_message = error.message;
    if (error.error_class == wire::ErrorClass::kPermanent) {
      return Park(queue, std::move(entry), model::FailureReason::kRefused,
                  context);
    }
    // A server that says when to come back has not judged the message.
    if ((error.error_class == wire::ErrorClass::kTransient || unknown) &&
        !error.retry_after.has_value() &&
        ++entry.answered_failures >=
            static_cast<uint32_t>(options_.max_answered_failures)) {
      return Park(queue, std::move(entry),
                  model::FailureReason::kTooManyFailures, context);
    }
    BackOff(queue, error.retry_after, context);
  }
  if (absl::Status status = context->tables().PutOutboxEntry(&entry);
      !status.ok()) {
    return status;
  }
  outputs_.push_back(EntryChanged{entry});
  return absl::OkStatus();
}

absl::Status Outbox::AfterAnswer(Queue* queue, StepContext* context) {
  if (queue->in_flight.empty()) {
    queue->draining = false;
    queue->next = queue->room.head_seq;
  }
  ArmSendTimer(queue, context);
  if (absl::Status status = PumpWaiting(context); !status.ok()) return status;
  return Pump(queue, context);
}

absl::Status Outbox::OnLateSuccess(const model::ClientMessageId& id,
                                   const wire::SendResult& result,
                                   StepContext* context) {
  auto found = context->tables().FindOutboxEntry(id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    // Cancelled without knowing: now it is known.
    auto record = context->tables().FindSent(id);
    if (!record.ok()) return record.status();
    if (!record->has_value() ||
        (*record)->outcome != model::SentRecord::Outcome::kCancelledAfterSend) {
      return absl::OkStatus();
    }
    (*record)->outcome = model::SentRecord::Outcome::kSent;
    (*record)->message_id = result.id;
    return context->tables().PutSent(**record);
  }
  auto queue = QueueOf((*found)->room, context);
  if (!queue.ok()) return queue.status();
  std::optional<InFlight> sent = TakeInFlight(*queue, id);
  if (sent.has_value()) {
    Chain(*queue, sent->entry);
    (*queue)->failures = 0;
    for (const CallId call : sent->cancels) {
      context->ReplyTo(
          call, CancelReply{model::CancelOutcome::kAlreadySent, result.id});
    }
  }
  if (absl::Status status = Settle(*queue, **found, result, context);
      !status.ok()) {
    return status;
  }
  return AfterAnswer(*queue, context);
}

absl::Status Outbox::OnEcho(const model::Message& message,
                            StepContext* context) {
  if (message.client_id.empty()) return absl::OkStatus();
  auto entry = context->tables().FindOutboxEntry(message.client_id);
  if (!entry.ok()) return entry.status();
  // Client ids are the callers' choice: another device of the account may have
  // used the same one for something else.
  if (entry->has_value() &&
      ((*entry)->sends == 0 || (*entry)->room != message.room ||
       !((*entry)->content == message.content))) {
    return absl::OkStatus();
  }
  if (!entry->has_value()) {
    auto record = context->tables().FindSent(message.client_id);
    if (!record.ok()) return record.status();
    if (!record->has_value() ||
        (*record)->fingerprint !=
            model::ContentFingerprint(message.room, message.content)) {
      return absl::OkStatus();
    }
  }
  wire::SendResult result;
  result.id = message.id;
  result.room_seq = message.room_seq;
  result.sent_at = message.sent_at;
  return OnLateSuccess(message.client_id, result, context);
}

absl::Status Outbox::OnSendTimeout(Queue* queue, StepContext* context) {
  if (queue->in_flight.empty()) return absl::OkStatus();
  const base::MonotonicTime due =
      queue->in_flight.front().sent_at + model::kRequestTimeout;
  if (context->monotonic() < due) {
    ArmSendTimer(queue, context);
    return absl::OkStatus();
  }
  std::deque<InFlight> lost = std::exchange(queue->in_flight, {});
  suspect_in_flight_ = false;
  for (InFlight& sent : lost) {
    --in_flight_;
    in_flight_bytes_ -= sent.frame_bytes;
    if (absl::Status status =
            MakeAmbiguous(queue, std::move(sent),
                          "the server did not answer in time", context);
        !status.ok()) {
      return status;
    }
  }
  BackOff(queue, std::nullopt, context);
  return AfterAnswer(queue, context);
}

absl::Status Outbox::MakeAmbiguous(Queue* queue, InFlight sent,
                                   const std::string& why,
                                   StepContext* context) {
  model::OutboxEntry& entry = sent.entry;
  entry.state = model::OutboxState::kAmbiguous;
  entry.possibly_sent = true;
  AddHistory(&entry, "ambiguous", why, context);
  if (!sent.cancels.empty()) {
    return CancelNow(queue, entry, sent.cancels, context);
  }
  if (absl::Status status = context->tables().PutOutboxEntry(&entry);
      !status.ok()) {
    return status;
  }
  outputs_.push_back(EntryChanged{entry});
  return absl::OkStatus();
}

absl::Status Outbox::OnLost(const std::string& reason, bool closed_by_server,
                            StepContext* context) {
  requests_.clear();
  waiting_.clear();
  if (closed_by_server && in_flight_ > 0) {
    if (absl::Status status = Blame(reason, context); !status.ok()) {
      return status;
    }
  }
  in_flight_ = 0;
  in_flight_bytes_ = 0;
  suspect_in_flight_ = false;
  for (auto it = queues_.begin(); it != queues_.end();) {
    Queue& queue = it->second;
    std::deque<InFlight> lost = std::exchange(queue.in_flight, {});
    if (!lost.empty()) {
      context->StopTimer({TimerKind::kSendTimeout, it->first});
    }
    if (queue.backing_off) {
      context->StopTimer({TimerKind::kSendRetry, it->first});
    }
    queue.open = false;
    queue.draining = false;
    queue.backing_off = false;
    queue.waiting = false;
    queue.chain.reset();
    for (InFlight& sent : lost) {
      if (absl::Status status =
              MakeAmbiguous(&queue, std::move(sent),
                            absl::StrCat("connection lost: ", reason), context);
          !status.ok()) {
        return status;
      }
    }
    queue.next = queue.room.head_seq;
    it = queue.room.queued == 0 ? queues_.erase(it) : std::next(it);
  }
  return absl::OkStatus();
}

absl::Status Outbox::Blame(const std::string& reason, StepContext* context) {
  InFlight* oldest = nullptr;
  base::MonotonicTime newest;
  for (auto& [id, queue] : queues_) {
    for (InFlight& sent : queue.in_flight) {
      if (oldest == nullptr || sent.request < oldest->request) oldest = &sent;
      newest = std::max(newest, sent.sent_at);
    }
  }
  PARLEY_CHECK(oldest != nullptr);
  if (context->monotonic() - newest > kBlameWindow) return absl::OkStatus();
  for (auto& [id, queue] : queues_) {
    for (const InFlight& sent : queue.in_flight) {
      suspects_.insert(sent.entry.client_id);
    }
  }
  ++oldest->entry.poison_closes;
  if (oldest->entry.poison_closes <
          static_cast<uint32_t>(model::kMaxPoisonCloses) ||
      !oldest->cancels.empty()) {
    return absl::OkStatus();
  }
  model::OutboxEntry entry = oldest->entry;
  entry.possibly_sent = true;
  entry.last_error_code = "CLOSED_BY_SERVER";
  entry.last_error_message =
      absl::StrCat("the server ended the connection ", entry.poison_closes,
                   " times when this message was sent (", reason, ")");
  Queue* queue = &queues_.at(entry.room);
  TakeInFlight(queue, entry.client_id);
  return Park(queue, std::move(entry), model::FailureReason::kPoison, context);
}

void Outbox::BackOff(Queue* queue, std::optional<absl::Duration> retry_after,
                     StepContext* context) {
  const uint32_t doublings = std::min(queue->failures, 5u);
  ++queue->failures;
  const absl::Duration limit =
      std::min(kBackoffCap, kBackoffBase * (int64_t{1} << doublings));
  const absl::Duration delay = std::max(
      context->rng()->DurationUpTo(limit),
      std::min(retry_after.value_or(absl::ZeroDuration()), kMaxRetryAfter));
  queue->backing_off = true;
  context->SetTimerIn({TimerKind::kSendRetry, queue->room.room}, delay);
}

void Outbox::ArmSendTimer(Queue* queue, StepContext* context) {
  const TimerId timer{TimerKind::kSendTimeout, queue->room.room};
  if (queue->in_flight.empty()) {
    context->StopTimer(timer);
  } else {
    context->SetTimerAt(
        timer, queue->in_flight.front().sent_at + model::kRequestTimeout);
  }
}

}  // namespace parley::core
