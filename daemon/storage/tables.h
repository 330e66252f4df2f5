#ifndef DAEMON_STORAGE_TABLES_H_
#define DAEMON_STORAGE_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/change.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"
#include "daemon/model/sync.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/records.h"
#include "daemon/storage/staged_store.h"

namespace parley::storage {

// How much is kept. Tests reach smaller ones sooner.
struct TableLimits {
  uint64_t max_tombstones = model::kMaxTombstones;  // at least 1
  uint64_t max_sent_ids = model::kMaxSentIds;
  uint64_t max_messages_per_room = model::kMaxMessagesPerRoom;
};

// The core's typed reads and writes. Writes go into the current transaction of
// the StagedStore; every write of a live object also moves its row in the
// change feed. Key layouts are in keys.h, encodings in records.h.
//
// A status that is not OK means that the store cannot be trusted; the caller
// gives the step up and the host reopens the store. Single-threaded.
class Tables {
 public:
  // Reads the feed's end. `staged` must outlive this object.
  static absl::StatusOr<Tables> Open(StagedStore* staged,
                                     const TableLimits& limits = {});

  StagedStore* staged() const { return staged_; }

  // --- Identity and what is known of the server ---------------------------
  absl::StatusOr<StoreBinding> Binding() const;
  void PutBinding(const StoreBinding& binding);
  absl::StatusOr<std::optional<model::ServerCapabilities>> Capabilities() const;
  void PutCapabilities(const model::ServerCapabilities& capabilities);
  // Whether the user wants to stay offline, over restarts.
  absl::StatusOr<model::OnPurpose> StoppedOnPurpose() const;
  void PutStoppedOnPurpose(model::OnPurpose stopped);
  // Nothing in it: no sign-out is at work.
  absl::StatusOr<ErasureScope> PendingErasure() const;
  void PutPendingErasure(const ErasureScope& scope);

  // --- Rooms ---------------------------------------------------------------
  // join_state is what the server said last, also of an earlier connection.
  absl::StatusOr<std::vector<model::Room>> AllRooms() const;
  absl::Status PutRoom(model::Room* room);             // sets change_seq
  absl::Status RemoveRoom(const model::RoomId& room);  // and its cursor

  // Nothing was read of the room's history: a cursor with nothing in it.
  absl::StatusOr<model::SyncCursor> SyncCursor(const model::RoomId& room) const;
  void PutSyncCursor(const model::RoomId& room,
                     const model::SyncCursor& cursor);

  // --- Outbox --------------------------------------------------------------
  // Rooms with queued or failed entries.
  absl::StatusOr<std::vector<model::OutboxRoom>> AllOutboxRooms() const;
  absl::StatusOr<std::optional<model::OutboxRoom>> FindOutboxRoom(
      const model::RoomId& room) const;
  // Kept also when idle, so that next_seq is never used again.
  void PutOutboxRoom(const model::OutboxRoom& room);

  // Queued (not FAILED) entries of a room with seq >= from, in order.
  absl::StatusOr<std::vector<model::OutboxEntry>> QueuedEntries(
      const model::RoomId& room, model::OutboxSeq from, size_t limit) const;
  // Any entry, queued or FAILED.
  absl::StatusOr<std::optional<model::OutboxEntry>> FindOutboxEntry(
      const model::ClientMessageId& client_id) const;
  // Inserts or replaces; the state decides where it is kept. An entry whose
  // state or seq changed is moved. Sets change_seq.
  absl::Status PutOutboxEntry(model::OutboxEntry* entry);
  absl::Status RemoveOutboxEntry(const model::ClientMessageId& client_id);

  // The entry with the earliest expires_at, of those that are queued.
  absl::StatusOr<std::optional<model::OutboxEntry>> NextToExpire();

  absl::StatusOr<std::optional<model::SentRecord>> FindSent(
      const model::ClientMessageId& client_id) const;
  // Settled records (sent, cancelled) are indexed by settled_at for pruning.
  // Where there are then more than kMaxSentIds, the oldest are forgotten.
  absl::Status PutSent(const model::SentRecord& record);
  // Forgets at most `limit` records settled before `before`, and returns how
  // many were forgotten.
  absl::StatusOr<size_t> PruneSent(base::WallTime before, size_t limit);

  // --- Messages and deliveries --------------------------------------------
  // Inserts a message, or replaces the one that it is: the same message id, or
  // the same sender and client id. Moves it when its place in the room became
  // known (a local echo that was sent). Sets change_seq.
  //
  // A message with `local_order` is in the outbox: it stands after all others,
  // counts against no limit here and is never evicted. Where the room then has
  // more than kMaxMessagesPerRoom of the others, the oldest is evicted, and its
  // delivery with it.
  absl::Status PutMessage(model::Message* message,
                          std::optional<model::OutboxSeq> local_order);
  // The room is full of newer ones: PutMessage would evict this one at once.
  absl::StatusOr<bool> WouldBeEvicted(const model::Message& message) const;
  absl::StatusOr<std::optional<model::Message>> FindMessage(
      const model::MessageId& id) const;
  absl::StatusOr<std::optional<model::Message>> FindMessage(
      const model::UserId& sender,
      const model::ClientMessageId& client_id) const;
  absl::Status RemoveMessage(const model::Message& message);
  // Removes at most `limit` messages that are not in the outbox, of any room,
  // and their deliveries; a room that has none left is read anew from the
  // server. Returns how many.
  absl::StatusOr<size_t> EvictMessages(size_t limit);

  absl::StatusOr<std::optional<model::Delivery>> FindDelivery(
      const model::ClientMessageId& client_id) const;
  absl::Status PutDelivery(model::Delivery* delivery);  // sets change_seq
  absl::Status RemoveDelivery(const model::ClientMessageId& client_id);

  // --- The change feed -----------------------------------------------------
  // The sequence of the last change made, committed or not.
  model::ChangeSeq last_change() const { return feed_.last(); }

 private:
  // A message and where it is.
  struct StoredMessage {
    std::string key;
    MessagePosition position;
    model::Message message;
  };

  Tables(StagedStore* staged, const TableLimits& limits, ChangeFeed feed,
         uint64_t settled_ids);

  // Forgets the oldest settled records before the key `end`.
  absl::StatusOr<size_t> ForgetSettled(const std::string& end, size_t limit);
  void PutSettledCount();

  absl::StatusOr<std::optional<StoredMessage>> ReadStored(
      absl::string_view index_key) const;
  absl::StatusOr<std::optional<StoredMessage>> FindStored(
      const model::Message& message);
  absl::Status RemoveStored(const StoredMessage& stored);
  void MoveIndexes(const StoredMessage* old, const model::Message& message,
                   const std::string& key);
  absl::Status CountMessages(const model::RoomId& room,
                             const StoredMessage* old,
                             MessagePosition position);
  absl::Status EvictExcess(const model::RoomId& room,
                           const RoomMessages& messages);
  // `messages` says where the oldest one is, and that there are `count`.
  absl::Status EvictOldest(const model::RoomId& room,
                           const RoomMessages& messages, uint64_t count);
  absl::Status RemoveDeliveryOf(const model::Message& message);

  StagedStore* staged_;
  TableLimits limits_;
  ChangeFeed feed_;
  // Settled sent records.
  uint64_t settled_ids_;
  // Nothing stands before these keys in the expiry and settled tables: reading
  // starts here, past what was deleted before.
  std::string expiry_from_;
  std::string settled_from_;
};

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_TABLES_H_
