#ifndef DAEMON_MODEL_ROOM_H_
#define DAEMON_MODEL_ROOM_H_

#include <cstdint>
#include <string>

#include "daemon/base/time.h"
#include "daemon/model/ids.h"

namespace parley::model {

// An attribute that the server tells; never read from the name.
enum class RoomKind {
  kUnknown = 0,
  kChannel,
  kDirect,
  kGroup,
  kThread,
  kBroadcast
};

// The account's durable wish, whatever the server knows of it.
enum class Membership {
  kJoined = 1,
  // Leaving: what was queued for the room is sent first, then the server is
  // told, then the row goes.
  kLeaving = 2,
};

// What the server last said to the wish; true of this moment only while the
// connection is ready.
enum class JoinState {
  kPending = 1,  // never answered yet
  kJoined = 2,
  kFailed = 3,  // refused or unanswered; tried again by itself
};

struct Room {
  RoomId room;
  RoomKind kind = RoomKind::kUnknown;
  Membership membership = Membership::kJoined;
  uint32_t member_count = 0;  // 0: not told
  base::WallTime joined_at;   // when the wish was made, this device's clock
  JoinState join_state = JoinState::kPending;
  std::string last_error;  // of the last join, for a person
  ChangeSeq change_seq;
};

}  // namespace parley::model

#endif  // DAEMON_MODEL_ROOM_H_
