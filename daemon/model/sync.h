#ifndef DAEMON_MODEL_SYNC_H_
#define DAEMON_MODEL_SYNC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/model/ids.h"

namespace parley::model {

// How far a room's history has been read.
struct SyncCursor {
  std::string epoch;   // the history that it belongs to
  std::string cursor;  // the server's, opaque; empty: before the first message
  // Every change of the room up to this one is here, or was evicted.
  uint64_t last_change = 0;
  base::WallTime synced_at;  // when the server last said that this was all

  friend bool operator==(const SyncCursor& a, const SyncCursor& b);
};

// A catch-up: of every room after a connect, or of some when asked for.
enum class SyncPhase {
  kIdle = 1,  // none since the daemon started
  kRunning = 2,
  kCompleted = 3,  // every room was read to its end, or has an error
  kFailed = 4,     // it ended before: no connection, or out of time
  kCancelled = 5,
};

// For example "RUNNING".
absl::string_view SyncPhaseName(SyncPhase phase);

enum class SyncTrigger {
  kConnect = 1,
  kRequest = 2,  // a client's
  kGap = 3,      // messages were missing between those that came
  kRetry = 4,    // of rooms that had an error
  kJoin = 5,     // a room was joined
};

absl::string_view SyncTriggerName(SyncTrigger trigger);

struct SyncRoomError {
  RoomId room;
  std::string error;  // for a person; starts with the server's code, if any

  friend bool operator==(const SyncRoomError& a, const SyncRoomError& b);
};

// The run that is on, or the last one.
struct SyncStatus {
  SyncPhase phase = SyncPhase::kIdle;
  SyncTrigger trigger = SyncTrigger::kConnect;
  uint64_t run = 0;  // counts the runs of this process
  // In percent, by rooms and messages; never falls within a run.
  uint32_t progress = 0;
  uint64_t rooms = 0;         // of this run
  uint64_t rooms_done = 0;    // read to their end
  uint64_t rooms_failed = 0;  // with an error; tried again by themselves
  uint64_t messages = 0;      // read, also those that were here already
  // Rooms whose history began anew on the server; what was lost there is kept.
  uint64_t rooms_restarted = 0;
  std::vector<SyncRoomError> errors;  // at most kMaxSyncErrors of them
  std::string error;                  // why it failed, for a person
  std::optional<base::WallTime> started_at;
  std::optional<base::WallTime> ended_at;
};

bool operator==(const SyncStatus& a, const SyncStatus& b);

}  // namespace parley::model

#endif  // DAEMON_MODEL_SYNC_H_
