#include "daemon/storage/tables.h"

#include <utility>

#include "daemon/storage/read_record.h"
#include "daemon/storage/row_cursor.h"

// Opening, the meta table and rooms. The outbox is in tables_outbox.cc,
// messages and deliveries in tables_messages.cc.
namespace parley::storage {

absl::StatusOr<Tables> Tables::Open(StagedStore* staged,
                                    const TableLimits& limits) {
  absl::StatusOr<ChangeFeed> feed =
      ChangeFeed::Open(staged, limits.max_tombstones);
  if (!feed.ok()) return feed.status();
  const auto settled =
      ReadRecord(*staged, MetaKey(MetaField::kSentCount), DecodeSentCount);
  if (!settled.ok()) return settled.status();
  return Tables(staged, limits, *std::move(feed), settled->value_or(0));
}

Tables::Tables(StagedStore* staged, const TableLimits& limits, ChangeFeed feed,
               uint64_t settled_ids)
    : staged_(staged),
      limits_(limits),
      feed_(feed),
      settled_ids_(settled_ids),
      expiry_from_(TableRange(Table::kExpiry).begin),
      settled_from_(TableRange(Table::kSettled).begin) {}

absl::StatusOr<StoreBinding> Tables::Binding() const {
  auto binding =
      ReadRecord(*staged_, MetaKey(MetaField::kBinding), DecodeBinding);
  if (!binding.ok()) return binding.status();
  return std::move(*binding).value_or(StoreBinding());
}

void Tables::PutBinding(const StoreBinding& binding) {
  const std::string key = MetaKey(MetaField::kBinding);
  staged_->Put(key, EncodeBinding(key, binding));
}

absl::StatusOr<std::optional<model::ServerCapabilities>> Tables::Capabilities()
    const {
  return ReadRecord(*staged_, MetaKey(MetaField::kCapabilities),
                    DecodeCapabilities);
}

void Tables::PutCapabilities(const model::ServerCapabilities& capabilities) {
  const std::string key = MetaKey(MetaField::kCapabilities);
  staged_->Put(key, EncodeCapabilities(key, capabilities));
}

absl::StatusOr<model::OnPurpose> Tables::StoppedOnPurpose() const {
  const auto stopped =
      ReadRecord(*staged_, MetaKey(MetaField::kStopped), DecodeStopped);
  if (!stopped.ok()) return stopped.status();
  return stopped->value_or(model::OnPurpose::kOnline);
}

void Tables::PutStoppedOnPurpose(model::OnPurpose stopped) {
  const std::string key = MetaKey(MetaField::kStopped);
  staged_->Put(key, EncodeStopped(key, stopped));
}

absl::StatusOr<ErasureScope> Tables::PendingErasure() const {
  const auto scope =
      ReadRecord(*staged_, MetaKey(MetaField::kErasure), DecodeErasure);
  if (!scope.ok()) return scope.status();
  return scope->value_or(ErasureScope());
}

void Tables::PutPendingErasure(const ErasureScope& scope) {
  const std::string key = MetaKey(MetaField::kErasure);
  if (scope.outbox || scope.cache) {
    staged_->Put(key, EncodeErasure(key, scope));
  } else {
    staged_->Delete(key);
  }
}

absl::StatusOr<std::vector<model::Room>> Tables::AllRooms() const {
  std::vector<model::Room> rooms;
  RowCursor rows(staged_, TableRange(Table::kRooms), ScanOrder::kAscending);
  for (;;) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) return rooms;
    absl::StatusOr<model::Room> room = DecodeRoom((*row)->key, (*row)->value);
    if (!room.ok()) return room.status();
    rooms.push_back(*std::move(room));
  }
}

absl::Status Tables::PutRoom(model::Room* room) {
  const std::string key = RoomKey(room->room);
  const auto old = ReadRecord(*staged_, key, DecodeRoom);
  if (!old.ok()) return old.status();
  room->change_seq = feed_.Record(
      old->has_value() ? (*old)->change_seq : model::ChangeSeq(), key);
  staged_->Put(key, EncodeRoom(key, *room));
  return absl::OkStatus();
}

absl::Status Tables::RemoveRoom(const model::RoomId& room) {
  const std::string key = RoomKey(room);
  const auto old = ReadRecord(*staged_, key, DecodeRoom);
  if (!old.ok()) return old.status();
  if (!old->has_value()) return absl::OkStatus();
  staged_->Delete(key);
  staged_->Delete(SyncCursorKey(room));
  return feed_.RecordRemoval((*old)->change_seq,
                             {model::ObjectKind::kRoom, room, {}, {}});
}

absl::StatusOr<model::SyncCursor> Tables::SyncCursor(
    const model::RoomId& room) const {
  auto cursor = ReadRecord(*staged_, SyncCursorKey(room), DecodeSyncCursor);
  if (!cursor.ok()) return cursor.status();
  return cursor->value_or(model::SyncCursor());
}

void Tables::PutSyncCursor(const model::RoomId& room,
                           const model::SyncCursor& cursor) {
  const std::string key = SyncCursorKey(room);
  staged_->Put(key, EncodeSyncCursor(key, cursor));
}

}  // namespace parley::storage
