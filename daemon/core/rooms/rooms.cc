#include "daemon/core/rooms/rooms.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"

namespace parley::core {
namespace {

constexpr absl::Duration kRetryBase = absl::Seconds(1);
constexpr absl::Duration kRetryCap = absl::Seconds(60);
// Given-up requests that may still be answered.
constexpr size_t kMaxRequests = 4096;
// A room that the server does not have may be made one day.
constexpr absl::Duration kRefusedRetry = absl::Minutes(5);

absl::Duration RetryDelay(uint32_t failures, base::Rng* rng) {
  const uint32_t doublings = std::min(failures, 6u);
  const absl::Duration limit =
      std::min(kRetryCap, kRetryBase * (int64_t{1} << doublings));
  return limit / 2 + rng->DurationUpTo(limit / 2);
}

}  // namespace

absl::Status Rooms::Load(const storage::Tables& tables) {
  auto rooms = tables.AllRooms();
  if (!rooms.ok()) return rooms.status();
  for (model::Room& room : *rooms) {
    Entry entry;
    entry.room = std::move(room);
    entry.failed = entry.room.join_state == model::JoinState::kFailed;
    if (entry.failed) ++failed_;
    const model::RoomId id = entry.room.room;
    rooms_.emplace(id, std::move(entry));
  }
  return absl::OkStatus();
}

absl::Status Rooms::Join(CallId call, const model::RoomId& room,
                         StepContext* context) {
  if (absl::Status refused = sender_->AcceptsWork(); !refused.ok()) {
    context->ReplyTo(call, std::move(refused));
    return absl::OkStatus();
  }
  const auto it = rooms_.find(room);
  if (it != rooms_.end() &&
      it->second.room.membership == model::Membership::kJoined) {
    context->ReplyTo(call, RoomReply{it->second.room});
    return absl::OkStatus();
  }
  if (it == rooms_.end() && rooms_.size() >= model::kMaxRooms) {
    context->ReplyTo(
        call, model::MakeError(
                  absl::StatusCode::kResourceExhausted,
                  model::ErrorReason::kTooManyRooms,
                  absl::StrCat("already in ", rooms_.size(),
                               " rooms, the most allowed; leave one first")));
    return absl::OkStatus();
  }
  Entry& entry = rooms_[room];
  entry.room.room = room;
  entry.room.membership = model::Membership::kJoined;
  entry.room.joined_at = context->wall();
  entry.failures = 0;
  StopWaiting(&entry, context);
  context->tables().staged()->RequireSync();
  if (absl::Status status = context->tables().PutRoom(&entry.room);
      !status.ok()) {
    return status;
  }
  context->ReplyTo(call, RoomReply{entry.room});
  pending_.insert(room);
  Pump(context);
  return absl::OkStatus();
}

absl::Status Rooms::Leave(CallId call, const model::RoomId& room,
                          StepContext* context) {
  const auto it = rooms_.find(room);
  if (it == rooms_.end()) {
    context->ReplyTo(call, Done{});
    return absl::OkStatus();
  }
  Entry& entry = it->second;
  if (entry.room.membership != model::Membership::kLeaving) {
    entry.room.membership = model::Membership::kLeaving;
    entry.failures = 0;
    StopWaiting(&entry, context);
    context->tables().staged()->RequireSync();
    if (absl::Status status = context->tables().PutRoom(&entry.room);
        !status.ok()) {
      return status;
    }
  }
  context->ReplyTo(call, Done{});
  pending_.insert(room);
  Pump(context);
  return absl::OkStatus();
}

void Rooms::OnReady(StepContext* context) {
  for (auto& [id, entry] : rooms_) {
    entry.failures = 0;
    pending_.insert(id);
  }
  Pump(context);
}

void Rooms::OnLost(StepContext* context) {
  for (auto& [id, entry] : rooms_) {
    if (entry.asked != Asked::kNothing) {
      context->StopTimer({TimerKind::kJoinTimeout, id});
    }
    StopWaiting(&entry, context);
    entry.asked = Asked::kNothing;
    entry.settled = false;
  }
  joined_ = 0;
  requests_.clear();
  pending_.clear();
  in_flight_ = 0;
}

absl::Status Rooms::OnAnswer(RequestId request, const wire::Answer& answer,
                             StepContext* context) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return absl::OkStatus();
  const auto [id, asked] = found->second;
  requests_.erase(found);
  const auto it = rooms_.find(id);
  if (it == rooms_.end()) return absl::OkStatus();
  Entry& entry = it->second;
  pending_.insert(id);
  const bool given_up =
      entry.asked == Asked::kNothing || entry.request != request;
  if (!given_up) {
    entry.asked = Asked::kNothing;
    --in_flight_;
    context->StopTimer({TimerKind::kJoinTimeout, id});
  } else if (asked == Asked::kLeave || entry.asked == Asked::kLeave ||
             answer.error.has_value()) {
    // Whatever was asked since will be answered on its own.
    return absl::OkStatus();
  }
  absl::Status status = asked == Asked::kLeave
                            ? OnLeaveAnswer(id, answer, context)
                            : OnJoinAnswer(&entry, answer, context);
  if (status.ok()) Pump(context);
  return status;
}

absl::Status Rooms::OnJoinAnswer(Entry* entry, const wire::Answer& answer,
                                 StepContext* context) {
  if (!answer.error.has_value()) {
    const wire::JoinResult result =
        sender_->dialect().DecodeJoinResult(answer.data);
    const bool changed = entry->room.kind != result.kind ||
                         entry->room.member_count != result.member_count;
    entry->room.kind = result.kind;
    entry->room.member_count = result.member_count;
    entry->failures = 0;
    SetFailed(entry, false);
    Settle(entry, true, result.last_change);
    if (changed) entry->room.join_state = model::JoinState::kPending;
    return SetJoinState(entry, model::JoinState::kJoined, "", context);
  }
  const wire::RequestError& error = *answer.error;
  if (error.error_class == wire::ErrorClass::kPermanent) {
    SetFailed(entry, true);
    Settle(entry, true);
  }
  const std::optional<absl::Duration> retry_after =
      error.error_class == wire::ErrorClass::kPermanent ? kRefusedRetry
                                                        : error.retry_after;
  return Failed(entry, absl::StrCat(error.code, ": ", error.message),
                retry_after, context);
}

absl::Status Rooms::OnLeaveAnswer(const model::RoomId& room,
                                  const wire::Answer& answer,
                                  StepContext* context) {
  Entry& entry = rooms_.at(room);
  const bool over = !answer.error.has_value() ||
                    answer.error->error_class == wire::ErrorClass::kPermanent;
  if (entry.room.membership == model::Membership::kJoined || entry.queued) {
    // Joined again while the leave was on its way, and perhaps left again with
    // messages to send first.
    Settle(&entry, false);
    return absl::OkStatus();
  }
  if (over) return Forget(room, context);
  return Failed(&entry,
                absl::StrCat(answer.error->code, ": ", answer.error->message),
                answer.error->retry_after, context);
}

absl::Status Rooms::Failed(Entry* entry, const std::string& error,
                           std::optional<absl::Duration> retry_after,
                           StepContext* context) {
  const absl::Duration delay =
      std::max(RetryDelay(entry->failures, context->rng()),
               retry_after.value_or(absl::ZeroDuration()));
  ++entry->failures;
  SetFailed(entry, true);
  if (entry->room.membership == model::Membership::kJoined) {
    outputs_.push_back(RoomRefused{entry->room.room, error});
  }
  entry->waiting_retry = true;
  context->SetTimerIn({TimerKind::kJoinRetry, entry->room.room}, delay);
  return SetJoinState(entry, model::JoinState::kFailed, error, context);
}

absl::Status Rooms::SetJoinState(Entry* entry, model::JoinState state,
                                 const std::string& error,
                                 StepContext* context) {
  if (entry->room.join_state == state && entry->room.last_error == error) {
    return absl::OkStatus();
  }
  entry->room.join_state = state;
  entry->room.last_error = error;
  return context->tables().PutRoom(&entry->room);
}

absl::Status Rooms::Forget(const model::RoomId& room, StepContext* context) {
  Entry* entry = &rooms_.at(room);
  StopWaiting(entry, context);
  Settle(entry, false);
  SetFailed(entry, false);
  rooms_.erase(room);
  pending_.erase(room);
  return context->tables().RemoveRoom(room);
}

absl::StatusOr<size_t> Rooms::Wipe(size_t limit, StepContext* context) {
  std::vector<model::RoomId> rooms;
  for (const auto& [id, entry] : rooms_) {
    if (rooms.size() == limit) break;
    if (!entry.queued) rooms.push_back(id);
  }
  for (const model::RoomId& room : rooms) {
    if (absl::Status status = Forget(room, context); !status.ok()) {
      return status;
    }
  }
  return rooms.size();
}

void Rooms::OnMemberChanged(const wire::MemberChanged& event,
                            StepContext* context) {
  // The account left or joined on another device: this device's wish stands,
  // so an account that was put out asks again and shows the refusal.
  const auto it = rooms_.find(event.room);
  if (it == rooms_.end() || event.user != sender_->user() || event.joined) {
    return;
  }
  Settle(&it->second, false);
  pending_.insert(event.room);
  Pump(context);
}

absl::Status Rooms::OnTimer(const TimerId& timer, StepContext* context) {
  const auto it = rooms_.find(timer.room);
  if (it == rooms_.end()) return absl::OkStatus();
  Entry& entry = it->second;
  pending_.insert(timer.room);
  if (timer.kind == TimerKind::kJoinRetry) {
    entry.waiting_retry = false;
    // A room that was refused for good is asked for once more.
    if (entry.room.join_state == model::JoinState::kFailed) {
      Settle(&entry, false);
    }
    Pump(context);
    return absl::OkStatus();
  }
  if (entry.asked == Asked::kNothing) return absl::OkStatus();
  entry.asked = Asked::kNothing;
  --in_flight_;
  if (absl::Status status = Failed(&entry, "the server did not answer in time",
                                   std::nullopt, context);
      !status.ok()) {
    return status;
  }
  Pump(context);
  return absl::OkStatus();
}

void Rooms::SetQueued(const model::RoomId& room, bool queued) {
  const auto it = rooms_.find(room);
  if (it != rooms_.end()) it->second.queued = queued;
}

void Rooms::OnQueueDrained(const model::RoomId& room, StepContext* context) {
  const auto it = rooms_.find(room);
  if (it == rooms_.end()) return;
  it->second.queued = false;
  if (it->second.room.membership != model::Membership::kLeaving) return;
  // Whatever a join still waits for, the leave does not.
  StopWaiting(&it->second, context);
  pending_.insert(room);
  Pump(context);
}

void Rooms::RetryNow(StepContext* context) {
  for (auto& [id, entry] : rooms_) {
    if (!entry.waiting_retry || !entry.queued) continue;
    StopWaiting(&entry, context);
    Settle(&entry, false);
    pending_.insert(id);
  }
  Pump(context);
}

void Rooms::Settle(Entry* entry, bool settled,
                   std::optional<uint64_t> last_change) {
  if (entry->settled == settled) return;
  entry->settled = settled;
  const bool counts = !entry->failed;
  if (settled) {
    if (counts) ++joined_;
    outputs_.push_back(RoomSettled{entry->room.room, counts, last_change});
  } else {
    if (counts) --joined_;
    outputs_.push_back(RoomUnsettled{entry->room.room});
  }
}

void Rooms::SetFailed(Entry* entry, bool failed) {
  if (entry->failed == failed) return;
  entry->failed = failed;
  if (failed) {
    ++failed_;
    if (entry->settled) --joined_;
  } else {
    --failed_;
    if (entry->settled) ++joined_;
  }
}

void Rooms::StopWaiting(Entry* entry, StepContext* context) {
  if (!entry->waiting_retry) return;
  entry->waiting_retry = false;
  context->StopTimer({TimerKind::kJoinRetry, entry->room.room});
}

bool Rooms::IsMember(const model::RoomId& room) const {
  const auto it = rooms_.find(room);
  return it != rooms_.end() &&
         it->second.room.membership == model::Membership::kJoined;
}

std::vector<model::RoomId> Rooms::Members() const {
  std::vector<model::RoomId> members;
  for (const auto& [id, entry] : rooms_) {
    if (entry.room.membership == model::Membership::kJoined) {
      members.push_back(id);
    }
  }
  return members;
}

bool Rooms::Wants(const Entry& entry, Asked* what) const {
  if (entry.asked != Asked::kNothing || entry.waiting_retry) return false;
  const bool leaving = entry.room.membership == model::Membership::kLeaving;
  if (leaving && !entry.queued) {
    *what = Asked::kLeave;
    return true;
  }
  *what = Asked::kJoin;
  return !entry.settled;
}

void Rooms::Pump(StepContext* context) {
  if (!sender_->ready()) return;
  auto it = pending_.begin();
  while (it != pending_.end() && in_flight_ < model::kMaxJoinsInFlight) {
    const auto found = rooms_.find(*it);
    Asked what = Asked::kNothing;
    if (found != rooms_.end() && Wants(found->second, &what)) {
      found->second.asked = what;
      Ask(&found->second, context);
    }
    it = pending_.erase(it);
  }
}

void Rooms::Ask(Entry* entry, StepContext* context) {
  const model::RoomId& room = entry->room.room;
  const wire::Request request = entry->asked == Asked::kJoin
                                    ? sender_->dialect().EncodeJoin(room)
                                    : sender_->dialect().EncodeLeave(room);
  // A send that is made from here on must not overtake the leave.
  if (entry->asked == Asked::kLeave) Settle(entry, false);
  // A leave is told to others: it must not precede its own record.
  entry->request = sender_->Send(RequestOwner::kRooms, request,
                                 Release::kAfterCommit, context);
  requests_[entry->request] = {room, entry->asked};
  if (requests_.size() > kMaxRequests) requests_.erase(requests_.begin());
  ++in_flight_;
  context->SetTimerIn({TimerKind::kJoinTimeout, room}, model::kRequestTimeout);
}

std::vector<RoomsOutput> Rooms::TakeOutputs() {
  return std::exchange(outputs_, {});
}

model::RoomsStatus Rooms::status() const {
  model::RoomsStatus status;
  status.rooms = rooms_.size();
  status.joined = joined_;
  status.failed = failed_;
  return status;
}

}  // namespace parley::core
