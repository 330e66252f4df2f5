#ifndef DAEMON_MODEL_CHANGE_H_
#define DAEMON_MODEL_CHANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"

namespace parley::model {

// The kinds of live object in the change feed. Stored; never renumbered.
enum class ObjectKind : uint8_t {
  kMessage = 1,
  kOutboxEntry = 2,
  kRoom = 3,
  kDelivery = 4,
};

// A bit set of ObjectKind.
using ObjectKindSet = uint32_t;
constexpr ObjectKindSet Only(ObjectKind kind) {
  return 1u << static_cast<uint32_t>(kind);
}
constexpr bool Contains(ObjectKindSet set, ObjectKind kind) {
  return (set & Only(kind)) != 0;
}

// An object that is gone: deleted, evicted, or (an outbox entry) sent.
struct Tombstone {
  ObjectKind kind = ObjectKind::kMessage;
  RoomId room;
  ClientMessageId client_id;
  MessageId message_id;
};

// A message together with its delivery, as watchers and lists show it.
struct MessageView {
  Message message;
  // Of the account's own messages; absent for other people's.
  std::optional<DeliveryState> delivery;
};

// The newest state of one object.
struct Change {
  ChangeSeq seq;
  std::variant<MessageView, OutboxEntry, Room, Delivery, Tombstone> object;
};

// Names a position in the change feed over restarts, and says of which
// history it is part. Opaque to clients.
struct ResumeToken {
  std::string store_id;
  uint64_t epoch = 0;
  ChangeSeq seq;
};

}  // namespace parley::model

#endif  // DAEMON_MODEL_CHANGE_H_
