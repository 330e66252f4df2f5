#ifndef DAEMON_CORE_API_ROOM_DIRECTORY_H_
#define DAEMON_CORE_API_ROOM_DIRECTORY_H_

#include <vector>

#include "daemon/model/ids.h"

namespace parley::core {

// What other components may ask of the rooms. Implemented by Rooms.
class RoomDirectory {
 public:
  virtual ~RoomDirectory() = default;

  // The account wants to be in the room: messages may be accepted for it.
  virtual bool IsMember(const model::RoomId& room) const = 0;
  // Every room of which that is true.
  virtual std::vector<model::RoomId> Members() const = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_API_ROOM_DIRECTORY_H_
