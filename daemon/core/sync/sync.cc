#include "daemon/core/sync/sync.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/wire/history.h"

namespace parley::core {
namespace {

constexpr absl::Duration kRetryBase = absl::Seconds(1);
constexpr absl::Duration kRetryCap = absl::Seconds(60);
// A refusal that is meant for good is meant for this room as it is today.
constexpr absl::Duration kRefusedRetry = absl::Minutes(5);

absl::Duration RetryDelay(uint32_t failures, base::Rng* rng) {
  const absl::Duration limit =
      std::min(kRetryCap, kRetryBase * (int64_t{1} << std::min(failures, 6u)));
  return limit / 2 + rng->DurationUpTo(limit / 2);
}

}  // namespace

// --- Commands ----------------------------------------------------------------

void Sync::Start(CallId call, const StartSync& start, StepContext* context) {
  if (!sender_->ready()) {
    context->ReplyTo(call,
                     model::MakeError(absl::StatusCode::kFailedPrecondition,
                                      model::ErrorReason::kWrongState,
                                      "there is no connection; it catches up "
                                      "by itself when there is one"));
    return;
  }
  if (!sender_->capabilities().history) {
    context->ReplyTo(call,
                     model::MakeError(absl::StatusCode::kUnimplemented,
                                      model::ErrorReason::kUnsupportedByServer,
                                      "the server keeps no history to read"));
    return;
  }
  if (!start.room.empty() && !directory_->IsMember(start.room)) {
    context->ReplyTo(
        call, model::MakeError(absl::StatusCode::kFailedPrecondition,
                               model::ErrorReason::kNotInRoom,
                               absl::StrCat("not in the room ",
                                            start.room.value(), "; join it")));
    return;
  }
  const std::vector<model::RoomId> rooms =
      start.room.empty() ? directory_->Members()
                         : std::vector<model::RoomId>{start.room};
  BeginRun(model::SyncTrigger::kRequest, context);
  for (const model::RoomId& room : rooms) {
    AddToRun(room, 0);
    const auto it = rooms_.find(room);
    if (it == rooms_.end()) continue;  // it is read when it is joined
    Queue(room, &it->second, /*first=*/!start.room.empty(), context);
  }
  if (start.deadline.has_value()) {
    context->SetTimerIn({TimerKind::kSyncDeadline, {}}, *start.deadline);
  }
  Pump(context);
  EndRunIfDone(context);
  context->ReplyTo(call, SyncReply{status_});
}

void Sync::Cancel(CallId call, StepContext* context) {
  for (auto& [room, entry] : rooms_) GiveUp(room, &entry, context);
  if (running()) {
    EndRun(model::SyncPhase::kCancelled, "a client cancelled it", context);
  }
  context->ReplyTo(call, SyncReply{status_});
}

// --- The connection ----------------------------------------------------------

void Sync::OnReady(StepContext* context) {
  if (!sender_->capabilities().history) return;
  const std::vector<model::RoomId> rooms = directory_->Members();
  if (rooms.empty()) return;
  BeginRun(model::SyncTrigger::kConnect, context);
  for (const model::RoomId& room : rooms) AddToRun(room, 0);
}

void Sync::OnLost(const std::string& reason, StepContext* context) {
  for (auto& [room, entry] : rooms_) GiveUp(room, &entry, context);
  rooms_.clear();
  if (!running()) return;
  EndRun(model::SyncPhase::kFailed,
         absl::StrCat("the connection was lost: ", reason), context);
}

absl::Status Sync::OnRoomJoined(const model::RoomId& room,
                                std::optional<uint64_t> last_change,
                                StepContext* context) {
  const model::ServerCapabilities& server = sender_->capabilities();
  if (!server.history) return absl::OkStatus();
  auto cursor = context->tables().SyncCursor(room);
  if (!cursor.ok()) return cursor.status();
  const auto [it, added] = rooms_.emplace(room, Entry());
  Entry& entry = it->second;
  // Joined again, for a changed count of its members.
  if (!added && entry.state != State::kBehind) return absl::OkStatus();
  entry.cursor = *std::move(cursor);
  const bool restarted =
      !entry.cursor.epoch.empty() && entry.cursor.epoch != server.history_epoch;
  if (entry.cursor.epoch != server.history_epoch) {
    entry.cursor = model::SyncCursor();
    entry.cursor.epoch = server.history_epoch;
  }
  if (!restarted && last_change.has_value() &&
      *last_change == entry.cursor.last_change) {
    OnDone(room, &entry, context);
    return absl::OkStatus();
  }
  BeginRun(model::SyncTrigger::kJoin, context);
  if (restarted) Restart(room, &entry, context);
  const uint64_t known = entry.cursor.last_change;
  AddToRun(room, last_change.value_or(0) > known ? *last_change - known : 0);
  Queue(room, &entry, /*first=*/false, context);
  Pump(context);
  return absl::OkStatus();
}

void Sync::OnRoomRefused(const model::RoomId& room, const std::string& error,
                         StepContext* context) {
  OnRoomUnsettled(room, context);
  FailInRun(room, error, context);
}

void Sync::OnRoomUnsettled(const model::RoomId& room, StepContext* context) {
  const auto it = rooms_.find(room);
  if (it == rooms_.end()) return;
  // If it is in a run it stays there: what is next is joined, or refused.
  GiveUp(room, &it->second, context);
  rooms_.erase(it);
  if (directory_->IsMember(room)) return;
  if (left_.erase(room) > 0) --status_.rooms;
  EndRunIfDone(context);
}

void Sync::OnSeen(const model::RoomId& room, uint64_t change,
                  StepContext* context) {
  const auto it = rooms_.find(room);
  if (it == rooms_.end() || it->second.state != State::kCaughtUp) return;
  Entry& entry = it->second;
  if (change != entry.cursor.last_change + 1) {
    OnChanged(room, change, context);
    return;
  }
  entry.cursor.last_change = change;
  context->tables().PutSyncCursor(room, entry.cursor);
}

void Sync::OnChanged(const model::RoomId& room, uint64_t change,
                     StepContext* context) {
  const auto it = rooms_.find(room);
  if (it == rooms_.end()) return;
  Entry& entry = it->second;
  if (change <= entry.cursor.last_change) return;
  if (entry.state == State::kAsking) entry.again = true;
  if (entry.state != State::kCaughtUp) return;
  context->LogLine(
      Log::Severity::kDebug,
      absl::StrCat("reading the history of ", room.value(), ": its change ",
                   change, " came, the last one here is ",
                   entry.cursor.last_change));
  BeginRun(model::SyncTrigger::kGap, context);
  AddToRun(room, change - entry.cursor.last_change);
  Queue(room, &entry, /*first=*/false, context);
  Pump(context);
}

absl::Status Sync::OnTimer(const TimerId& timer, StepContext* context) {
  if (timer.kind == TimerKind::kSyncDeadline) {
    if (!running()) return absl::OkStatus();
    for (const model::RoomId& room : left_) {
      const auto it = rooms_.find(room);
      if (it != rooms_.end()) GiveUp(room, &it->second, context);
    }
    EndRun(model::SyncPhase::kFailed, "it did not end in time", context);
    return absl::OkStatus();
  }
  const auto it = rooms_.find(timer.room);
  if (it == rooms_.end()) return absl::OkStatus();
  Entry& entry = it->second;
  if (timer.kind == TimerKind::kSyncRetry) {
    if (!entry.waiting_retry) return absl::OkStatus();
    entry.waiting_retry = false;
    BeginRun(model::SyncTrigger::kRetry, context);
    AddToRun(timer.room, 0);
    Queue(timer.room, &entry, /*first=*/false, context);
  } else if (entry.state == State::kAsking) {
    requests_.erase(entry.request);
    OnFailed(timer.room, &entry,
             absl::StrCat("the server did not answer within ",
                          absl::FormatDuration(model::kRequestTimeout)),
             std::nullopt, context);
  }
  Pump(context);
  return absl::OkStatus();
}

// --- Pages -------------------------------------------------------------------

void Sync::Queue(const model::RoomId& room, Entry* entry, bool first,
                 StepContext* context) {
  if (entry->state == State::kAsking) {
    entry->again = true;
    return;
  }
  if (entry->waiting_retry) {
    entry->waiting_retry = false;
    context->StopTimer({TimerKind::kSyncRetry, room});
  }
  if (entry->state == State::kQueued) {
    if (!first) return;
    queue_.erase(std::find(queue_.begin(), queue_.end(), room));
  }
  entry->state = State::kQueued;
  if (first) {
    queue_.push_front(room);
  } else {
    queue_.push_back(room);
  }
}

void Sync::Pump(StepContext* context) {
  while (sender_->ready() && !queue_.empty() &&
         requests_.size() < model::kMaxSyncsInFlight) {
    const model::RoomId room = queue_.front();
    queue_.pop_front();
    Ask(room, &rooms_.at(room), context);
  }
}

void Sync::Ask(const model::RoomId& room, Entry* entry, StepContext* context) {
  entry->state = State::kAsking;
  // After the commit of the page before: the disk sets the pace.
  entry->request =
      sender_->Send(RequestOwner::kSync,
                    wire::EncodeHistoryRequest(room, entry->cursor.cursor,
                                               model::kSyncPageMessages),
                    Release::kAfterCommit, context);
  requests_[entry->request] = room;
  context->SetTimerIn({TimerKind::kSyncTimeout, room}, model::kRequestTimeout);
}

void Sync::GiveUp(const model::RoomId& room, Entry* entry,
                  StepContext* context) {
  switch (entry->state) {
    case State::kAsking:
      requests_.erase(entry->request);
      context->StopTimer({TimerKind::kSyncTimeout, room});
      break;
    case State::kQueued:
      queue_.erase(std::find(queue_.begin(), queue_.end(), room));
      break;
    case State::kBehind:
      if (entry->waiting_retry)
        context->StopTimer({TimerKind::kSyncRetry, room});
      entry->waiting_retry = false;
      return;
    case State::kCaughtUp:
      return;
  }
  entry->state = State::kBehind;
  entry->again = false;
}

void Sync::Restart(const model::RoomId& room, Entry* entry,
                   StepContext* context) {
  entry->cursor = model::SyncCursor();
  entry->cursor.epoch = sender_->capabilities().history_epoch;
  ++status_.rooms_restarted;
  context->LogLine(Log::Severity::kWarning,
                   absl::StrCat("the server's history of ", room.value(),
                                " began anew; what it lost is kept here"));
}

absl::Status Sync::OnAnswer(RequestId request, const wire::Answer& answer,
                            StepContext* context) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return absl::OkStatus();
  const model::RoomId room = found->second;
  requests_.erase(found);
  Entry& entry = rooms_.at(room);
  context->StopTimer({TimerKind::kSyncTimeout, room});
  absl::Status status = OnPage(room, &entry, answer, context);
  if (status.ok()) Pump(context);
  return status;
}

absl::Status Sync::OnPage(const model::RoomId& room, Entry* entry,
                          const wire::Answer& answer, StepContext* context) {
  entry->state = State::kBehind;
  if (answer.error.has_value()) {
    const wire::RequestError& error = *answer.error;
    if (wire::IsEpochChanged(error) && !entry->cursor.cursor.empty()) {
      Restart(room, entry, context);
      Queue(room, entry, /*first=*/true, context);
      return absl::OkStatus();
    }
    OnFailed(room, entry, absl::StrCat(error.code, ": ", error.message),
             error.error_class == wire::ErrorClass::kPermanent
                 ? kRefusedRetry
                 : error.retry_after,
             context);
    return absl::OkStatus();
  }
  wire::HistoryPage page;
  std::string problem;
  if (!wire::DecodeHistoryPage(room, answer.data, &page, &problem)) {
    OnFailed(room, entry,
             absl::StrCat("the page of history makes no sense: ", problem),
             std::nullopt, context);
    return absl::OkStatus();
  }
  if (page.epoch != entry->cursor.epoch) {
    OnFailed(room, entry, "the page is of another history than the server's",
             std::nullopt, context);
    return absl::OkStatus();
  }
  if (page.has_more && page.cursor == entry->cursor.cursor) {
    OnFailed(room, entry, "the server gives the same page again", std::nullopt,
             context);
    return absl::OkStatus();
  }
  if (page.malformed > 0) {
    context->LogLine(
        Log::Severity::kWarning,
        absl::StrCat(page.malformed, " messages in the history of ",
                     room.value(),
                     " make no sense and are passed over: ", page.problem));
  }
  entry->cursor.cursor = page.cursor;
  if (!page.has_more) {
    // Not before: up to there nothing is missing.
    entry->cursor.last_change =
        std::max(entry->cursor.last_change, page.last_change);
    entry->cursor.synced_at = context->wall();
  }
  context->tables().PutSyncCursor(room, entry->cursor);
  entry->failures = 0;
  status_.messages += page.messages.size();
  output_ = HistoryRead{std::move(page.messages)};
  if (page.has_more || std::exchange(entry->again, false)) {
    SetProgress();
    Queue(room, entry, /*first=*/false, context);
  } else {
    OnDone(room, entry, context);
  }
  return absl::OkStatus();
}

void Sync::OnDone(const model::RoomId& room, Entry* entry,
                  StepContext* context) {
  entry->state = State::kCaughtUp;
  if (left_.erase(room) == 0) return;
  ++status_.rooms_done;
  SetProgress();
  EndRunIfDone(context);
}

void Sync::OnFailed(const model::RoomId& room, Entry* entry,
                    const std::string& error,
                    std::optional<absl::Duration> retry_after,
                    StepContext* context) {
  entry->state = State::kBehind;
  entry->again = false;
  entry->waiting_retry = true;
  const absl::Duration delay =
      std::max(RetryDelay(entry->failures++, context->rng()),
               retry_after.value_or(absl::ZeroDuration()));
  context->SetTimerIn({TimerKind::kSyncRetry, room}, delay);
  FailInRun(room, error, context);
}

// --- Runs --------------------------------------------------------------------

void Sync::BeginRun(model::SyncTrigger trigger, StepContext* context) {
  if (running()) return;
  const uint64_t run = status_.run + 1;
  status_ = model::SyncStatus();
  status_.phase = model::SyncPhase::kRunning;
  status_.trigger = trigger;
  status_.run = run;
  status_.started_at = context->wall();
  missed_ = 0;
}

void Sync::AddToRun(const model::RoomId& room, uint64_t missed) {
  if (left_.insert(room).second) ++status_.rooms;
  missed_ += missed;
}

void Sync::FailInRun(const model::RoomId& room, const std::string& error,
                     StepContext* context) {
  if (left_.erase(room) == 0) return;
  ++status_.rooms_failed;
  if (status_.errors.size() < model::kMaxSyncErrors) {
    status_.errors.push_back({room, error});
  }
  context->LogLine(
      Log::Severity::kWarning,
      absl::StrCat("the history of ", room.value(), " was not read: ", error));
  SetProgress();
  EndRunIfDone(context);
}

void Sync::EndRunIfDone(StepContext* context) {
  if (!running() || !left_.empty()) return;
  EndRun(model::SyncPhase::kCompleted, "", context);
}

void Sync::EndRun(model::SyncPhase phase, const std::string& error,
                  StepContext* context) {
  left_.clear();
  status_.phase = phase;
  status_.error = error;
  status_.ended_at = context->wall();
  if (phase == model::SyncPhase::kCompleted) status_.progress = 100;
  context->StopTimer({TimerKind::kSyncDeadline, {}});
}

void Sync::SetProgress() {
  // Half by rooms, half by messages, as far as it is known how many these are.
  const uint64_t rooms = std::max<uint64_t>(status_.rooms, 1);
  const uint64_t over = status_.rooms_done + status_.rooms_failed;
  uint64_t percent = 100 * over / rooms;
  if (missed_ > 0) {
    percent =
        (percent + 100 * std::min(status_.messages, missed_) / missed_) / 2;
  }
  status_.progress = std::max(
      status_.progress, static_cast<uint32_t>(std::min<uint64_t>(percent, 99)));
}

bool Sync::catching_up() const {
  return running() && status_.trigger == model::SyncTrigger::kConnect;
}

std::optional<HistoryRead> Sync::TakeOutput() {
  return std::exchange(output_, std::nullopt);
}

}  // namespace parley::core
