#ifndef DAEMON_STORAGE_KEYS_H_
#define DAEMON_STORAGE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/model/ids.h"

// Every key of the store. A key is one byte for its table and then the
// components below; bytewise order is the order that is read in.
//
//   table            components                 value (records.h)
//   ---------------  -------------------------  ---------------------------
//   meta             MetaField, 1 byte          one record a field
//   rooms            name(room)                 model::Room
//   outbox rooms     name(room)                 model::OutboxRoom
//   outbox queued    name(room) u64(seq)        model::OutboxEntry
//   outbox failed    name(room) u64(seq)        model::OutboxEntry
//   outbox index     client id                  primary key of the entry
//   expiry           time(expires) client id    nothing; queued entries only
//   sent             client id                  model::SentRecord
//   settled          time(settled) client id    nothing
//   messages         name(room) u64 u64         model::Message
//   message ids      message id                 primary key of the message
//   message senders  name(sender) client id     primary key of the message
//   room messages    name(room)                 RoomMessages
//   deliveries       client id                  model::Delivery
//   feed             u64(seq)                   FeedRow
//   tombstones       u64(seq)                   nothing
//   sync cursors     name(room)                 model::SyncCursor
//
//   name   the bytes and a NUL, with NUL and 0x01 inside written as 0x01 0x01
//          and 0x01 0x02: order is that of the names, and no name is the
//          prefix of another.
//   u64    big-endian.
//   time   u64 of the Unix milliseconds with the sign bit flipped.
//   An identifier that ends a key stands as it is.
//
// A value holds what its key does not say. A number of a table, a field or a
// component is never given another meaning; what changes is kSchemaVersion.
namespace parley::storage {

enum class Table : uint8_t {
  kMeta = 0x01,
  kRooms = 0x02,
  kOutboxRooms = 0x03,
  kOutboxQueued = 0x04,
  kOutboxFailed = 0x05,
  kOutboxIndex = 0x06,
  kExpiry = 0x07,
  kSent = 0x08,
  kSettled = 0x09,
  kMessages = 0x0a,
  kMessageIds = 0x0b,
  kMessageSenders = 0x0c,
  kRoomMessages = 0x0d,
  kDeliveries = 0x0e,
  kFeed = 0x0f,
  kTombstones = 0x10,
  kSyncCursors = 0x11,
};

enum class MetaField : uint8_t {
  kSchema = 0x01,  // readable by every version: it says who may read the rest
  kStoreId = 0x02,
  kBinding = 0x03,
  kCapabilities = 0x04,
  kStopped = 0x05,
  kFeedEpochs = 0x06,
  kFeedState = 0x07,
  kSentCount = 0x08,
  kErasure = 0x09,
};

// Where a message stands in its room.
//
//   order                               tie
//   ----------------------------------  ----------------------------------
//   era, the server's room_seq          change seq of its placing
//   era, sent_at in Unix milliseconds   same; the server gives no room_seq
//   kLocalOrder                         OutboxSeq; it is in the outbox
//
// The change sequence is unique in the store: a server that gives a number
// twice, or many messages in a millisecond, leave two rows, in the order of
// their arrival. A message keeps its place while its order stays the same.
struct MessagePosition {
  static constexpr uint64_t kLocalOrder = UINT64_MAX;
  // The low bits are the number of the table above, the high ones the
  // history era: a server that starts anew counts from 1 again.
  static constexpr int kNumberBits = 44;

  uint64_t order = 0;
  uint64_t tie = 0;

  bool local() const { return order == kLocalOrder; }
};

std::string MetaKey(MetaField field);
std::string RoomKey(const model::RoomId& room);
std::string OutboxRoomKey(const model::RoomId& room);
std::string QueuedKey(const model::RoomId& room, model::OutboxSeq seq);
std::string FailedKey(const model::RoomId& room, model::OutboxSeq seq);
std::string OutboxIndexKey(const model::ClientMessageId& client_id);
std::string ExpiryKey(base::WallTime expires_at,
                      const model::ClientMessageId& client_id);
std::string SentKey(const model::ClientMessageId& client_id);
std::string SettledKey(base::WallTime settled_at,
                       const model::ClientMessageId& client_id);
std::string MessageKey(const model::RoomId& room, MessagePosition position);
std::string MessageIdKey(const model::MessageId& id);
std::string MessageSenderKey(const model::UserId& sender,
                             const model::ClientMessageId& client_id);
std::string RoomMessagesKey(const model::RoomId& room);
std::string SyncCursorKey(const model::RoomId& room);
std::string DeliveryKey(const model::ClientMessageId& client_id);
std::string FeedKey(model::ChangeSeq seq);
std::string TombstoneKey(model::ChangeSeq seq);

// begin <= key < end. An empty end means no upper bound.
struct KeyRange {
  std::string begin;
  std::string end;
};
KeyRange TableRange(Table table);
// The rows of one room, in a table whose keys start with name(room).
KeyRange RoomRange(Table table, const model::RoomId& room);
// The smallest key that is greater than `key`.
std::string KeyAfter(absl::string_view key);

// A key taken apart. What its table does not have is empty or 0.
struct ParsedKey {
  Table table = Table::kMeta;
  MetaField field = MetaField::kSchema;
  model::RoomId room;
  model::UserId sender;
  model::ClientMessageId client_id;
  model::MessageId message_id;
  uint64_t number = 0;  // a seq, an order
  uint64_t tie = 0;
  base::WallTime time;
};
// Nothing for bytes that are no key of this layout.
std::optional<ParsedKey> ParseKey(absl::string_view key);

// For logs and errors, on one line: the table and the identifiers.
std::string DescribeKey(absl::string_view key);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_KEYS_H_
