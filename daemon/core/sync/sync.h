#ifndef DAEMON_CORE_SYNC_SYNC_H_
#define DAEMON_CORE_SYNC_SYNC_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/request_sender.h"
#include "daemon/core/api/room_directory.h"
#include "daemon/core/api/step.h"
#include "daemon/model/ids.h"
#include "daemon/model/sync.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// A page of a room's history: to be kept in the same step, in which the room's
// cursor moves past it.
struct HistoryRead {
  std::vector<wire::MessageReceived> messages;
};

// Reads what was missed: of every room after a connect, of a room that was
// joined, of one in which a message is missing, and of what a client asks for.
// Only where the server keeps a history.
//
// A room, on each connection:
//
//   (unknown) -- the server has settled it --> QUEUED <---- more to read ---.
//        |                                       | ^                        |
//        '-- nothing was missed --.         asks | | retry timer, a client  |
//                                 v              v |                        |
//                            CAUGHT_UP <------ ASKING -- a page ------------'
//                                 |  read to     |
//                  a message is   |  its end     '-- an error, no answer
//                  missing: QUEUED               v   in time
//                                              BEHIND -- retry timer: QUEUED
//
// The cursor moves in the transaction of the messages that it passes, and the
// next page is asked for when that has committed: a crash, a lost connection or
// a cancel at any moment leaves a place to go on from. At most
// kMaxSyncsInFlight rooms are asked at once, page by page in turn, so that a
// long history delays no other.
//
// The rooms that are read together are a run, which clients see. Single-
// threaded, deterministic.
class Sync {
 public:
  // Both must outlive this object.
  Sync(RequestSender* sender, const RoomDirectory* rooms)
      : sender_(sender), directory_(rooms) {}

  // Commands.
  void Start(CallId call, const StartSync& start, StepContext* context);
  void Cancel(CallId call, StepContext* context);

  // The connection.
  void OnReady(StepContext* context);
  void OnLost(const std::string& reason, StepContext* context);
  absl::Status OnAnswer(RequestId request, const wire::Answer& answer,
                        StepContext* context);
  absl::Status OnTimer(const TimerId& timer, StepContext* context);

  // The server has the account in the room. `last_change` is the number of the
  // room's last change, where the server says.
  absl::Status OnRoomJoined(const model::RoomId& room,
                            std::optional<uint64_t> last_change,
                            StepContext* context);
  // It has not, for now.
  void OnRoomRefused(const model::RoomId& room, const std::string& error,
                     StepContext* context);
  void OnRoomUnsettled(const model::RoomId& room, StepContext* context);
  // The change of this number came by itself, with all that there is to know of
  // it. 0: the server does not count changes.
  void OnSeen(const model::RoomId& room, uint64_t change, StepContext* context);
  // There is a change of this number, which the history tells.
  void OnChanged(const model::RoomId& room, uint64_t change,
                 StepContext* context);

  // At most one a step.
  std::optional<HistoryRead> TakeOutput();
  model::SyncStatus status() const { return status_; }
  // The run that a connect began is on.
  bool catching_up() const;

 private:
  enum class State { kQueued, kAsking, kCaughtUp, kBehind };

  // A room that the server has settled on this connection.
  struct Entry {
    State state = State::kCaughtUp;
    RequestId request;  // while kAsking
    model::SyncCursor cursor;
    bool again = false;          // asked for while kAsking
    bool waiting_retry = false;  // while kBehind
    uint32_t failures = 0;       // in a row
  };

  bool running() const { return status_.phase == model::SyncPhase::kRunning; }
  // Adds to the run that is on, or begins one.
  void BeginRun(model::SyncTrigger trigger, StepContext* context);
  void AddToRun(const model::RoomId& room, uint64_t missed);
  void EndRun(model::SyncPhase phase, const std::string& error,
              StepContext* context);
  void EndRunIfDone(StepContext* context);
  void SetProgress();

  void Queue(const model::RoomId& room, Entry* entry, bool first,
             StepContext* context);
  void Pump(StepContext* context);
  void Ask(const model::RoomId& room, Entry* entry, StepContext* context);
  // Takes back what was asked of the room; it stays where it is.
  void GiveUp(const model::RoomId& room, Entry* entry, StepContext* context);
  void Restart(const model::RoomId& room, Entry* entry, StepContext* context);
  absl::Status OnPage(const model::RoomId& room, Entry* entry,
                      const wire::Answer& answer, StepContext* context);
  void OnDone(const model::RoomId& room, Entry* entry, StepContext* context);
  void OnFailed(const model::RoomId& room, Entry* entry,
                const std::string& error,
                std::optional<absl::Duration> retry_after,
                StepContext* context);
  void FailInRun(const model::RoomId& room, const std::string& error,
                 StepContext* context);

  RequestSender* const sender_;
  const RoomDirectory* const directory_;
  std::map<model::RoomId, Entry> rooms_;
  std::deque<model::RoomId> queue_;  // of kQueued, in turn
  std::map<RequestId, model::RoomId> requests_;
  std::set<model::RoomId> left_;  // of the run: not read to their end
  uint64_t missed_ = 0;           // messages of the run, as far as is known
  std::optional<HistoryRead> output_;
  model::SyncStatus status_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_SYNC_SYNC_H_
