#ifndef DAEMON_CORE_ROOMS_ROOMS_H_
#define DAEMON_CORE_ROOMS_ROOMS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/request_sender.h"
#include "daemon/core/api/room_directory.h"
#include "daemon/core/api/step.h"
#include "daemon/model/connection.h"
#include "daemon/model/room.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// The server has settled a room on this connection: it was joined, or refused
// for good. Either way a send into it will get a definite answer.
struct RoomSettled {
  model::RoomId room;
  bool joined = false;
  // With `joined`: the number of the room's last change, if the server says.
  std::optional<uint64_t> last_change;
};
// The server did not have the account join, for now or for good. It is tried
// again.
struct RoomRefused {
  model::RoomId room;
  std::string error;  // for a person
};
// What the server knows of the room is about to change: a send would overtake
// that. Until the room is settled again, nothing is to be sent into it.
struct RoomUnsettled {
  model::RoomId room;
};
using RoomsOutput = std::variant<RoomSettled, RoomRefused, RoomUnsettled>;

// The account's durable membership, and what the server knows of it. The wish
// and the fact are kept apart: a failed join never costs the wish.
//
// The wish, on disk:
//                 JoinRoom                     LeaveRoom
//      (none) ---------------> JOINED -----------------------> LEAVING
//                                 ^          JoinRoom             |
//                                 '-------------------------------|
//      (none) <-- the queue of the room is empty, and the server -'
//                 has been told
//
// The fact, on each connection:
//
//      PENDING -- request --> (asked) -- yes --> JOINED
//         ^                      |
//         |                      '-- no, or no answer in time --> FAILED
//         '---------- retry timer, or a new connection -------------'
//
// At most kMaxJoinsInFlight requests are on their way; joins of different
// rooms do not wait for each other beyond that. Single-threaded.
class Rooms : public RoomDirectory {
 public:
  explicit Rooms(RequestSender* sender) : sender_(sender) {}

  absl::Status Load(const storage::Tables& tables);

  // Commands. Both are answered once they are durable.
  absl::Status Join(CallId call, const model::RoomId& room,
                    StepContext* context);
  absl::Status Leave(CallId call, const model::RoomId& room,
                     StepContext* context);

  void OnReady(StepContext* context);
  void OnLost(StepContext* context);
  absl::Status OnAnswer(RequestId request, const wire::Answer& answer,
                        StepContext* context);
  void OnMemberChanged(const wire::MemberChanged& event, StepContext* context);
  absl::Status OnTimer(const TimerId& timer, StepContext* context);
  // Rooms with queued messages no longer wait for their next try.
  void RetryNow(StepContext* context);

  // Forgets at most `limit` rooms that have nothing queued, here only, and
  // returns how many. While there is no connection.
  absl::StatusOr<size_t> Wipe(size_t limit, StepContext* context);

  // Whether the outbox holds messages for a room: they go before the leave.
  void SetQueued(const model::RoomId& room, bool queued);
  void OnQueueDrained(const model::RoomId& room, StepContext* context);

  bool IsMember(const model::RoomId& room) const override;
  std::vector<model::RoomId> Members() const override;
  std::vector<RoomsOutput> TakeOutputs();
  bool has_outputs() const { return !outputs_.empty(); }
  model::RoomsStatus status() const;

 private:
  enum class Asked { kNothing, kJoin, kLeave };
  struct Entry {
    model::Room room;
    Asked asked = Asked::kNothing;
    RequestId request;
    bool settled = false;  // on this connection
    bool failed = false;   // join_state is kFailed
    bool queued = false;   // the outbox holds messages for it
    uint32_t failures = 0;
    bool waiting_retry = false;
  };

  struct Request {
    model::RoomId room;
    Asked asked;
  };

  void Settle(Entry* entry, bool settled,
              std::optional<uint64_t> last_change = std::nullopt);
  void StopWaiting(Entry* entry, StepContext* context);
  void SetFailed(Entry* entry, bool failed);
  void Pump(StepContext* context);
  void Ask(Entry* entry, StepContext* context);
  bool Wants(const Entry& entry, Asked* what) const;
  absl::Status OnJoinAnswer(Entry* entry, const wire::Answer& answer,
                            StepContext* context);
  absl::Status OnLeaveAnswer(const model::RoomId& room,
                             const wire::Answer& answer, StepContext* context);
  absl::Status Failed(Entry* entry, const std::string& error,
                      std::optional<absl::Duration> retry_after,
                      StepContext* context);
  absl::Status SetJoinState(Entry* entry, model::JoinState state,
                            const std::string& error, StepContext* context);
  absl::Status Forget(const model::RoomId& room, StepContext* context);

  RequestSender* const sender_;
  std::map<model::RoomId, Entry> rooms_;
  // Requests that were given up may still be answered: the server may have
  // done what was asked.
  std::map<RequestId, Request> requests_;
  // Rooms that may have something to ask; kept so that a step does not walk
  // all rooms.
  std::set<model::RoomId> pending_;
  size_t in_flight_ = 0;
  std::vector<RoomsOutput> outputs_;
  uint64_t joined_ = 0;  // settled, and not refused
  uint64_t failed_ = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_ROOMS_ROOMS_H_
