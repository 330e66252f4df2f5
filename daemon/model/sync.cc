#include "daemon/model/sync.h"

#include <tuple>

namespace parley::model {

bool operator==(const SyncCursor& a, const SyncCursor& b) {
  return a.epoch == b.epoch && a.cursor == b.cursor &&
         a.last_change == b.last_change && a.synced_at == b.synced_at;
}

bool operator==(const SyncRoomError& a, const SyncRoomError& b) {
  return a.room == b.room && a.error == b.error;
}

bool operator==(const SyncStatus& a, const SyncStatus& b) {
  const auto parts = [](const SyncStatus& s) {
    return std::tie(s.phase, s.trigger, s.run, s.progress, s.rooms,
                    s.rooms_done, s.rooms_failed, s.messages, s.rooms_restarted,
                    s.errors, s.error, s.started_at, s.ended_at);
  };
  return parts(a) == parts(b);
}

absl::string_view SyncPhaseName(SyncPhase phase) {
  switch (phase) {
    case SyncPhase::kIdle:
      return "IDLE";
    case SyncPhase::kRunning:
      return "RUNNING";
    case SyncPhase::kCompleted:
      return "COMPLETED";
    case SyncPhase::kFailed:
      return "FAILED";
    case SyncPhase::kCancelled:
      return "CANCELLED";
  }
  return "UNKNOWN";
}

absl::string_view SyncTriggerName(SyncTrigger trigger) {
  switch (trigger) {
    case SyncTrigger::kConnect:
      return "CONNECT";
    case SyncTrigger::kRequest:
      return "REQUEST";
    case SyncTrigger::kGap:
      return "GAP";
    case SyncTrigger::kRetry:
      return "RETRY";
    case SyncTrigger::kJoin:
      return "JOIN";
  }
  return "UNKNOWN";
}

}  // namespace parley::model
