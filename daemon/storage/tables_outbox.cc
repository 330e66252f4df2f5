#include <utility>

#include "daemon/storage/read_record.h"
#include "daemon/storage/row_cursor.h"
#include "daemon/storage/tables.h"

namespace parley::storage {
namespace {

std::string EntryKey(const model::OutboxEntry& entry) {
  return entry.state == model::OutboxState::kFailed
             ? FailedKey(entry.room, entry.seq)
             : QueuedKey(entry.room, entry.seq);
}

// Where the entry stands in the expiry table; empty: nowhere.
std::string EntryExpiryKey(const model::OutboxEntry& entry) {
  if (entry.state == model::OutboxState::kFailed ||
      !entry.expires_at.has_value()) {
    return {};
  }
  return ExpiryKey(*entry.expires_at, entry.client_id);
}

bool IsSettled(const model::SentRecord& sent) {
  using Outcome = model::SentRecord::Outcome;
  return sent.outcome != Outcome::kQueued && sent.outcome != Outcome::kFailed;
}

}  // namespace

absl::StatusOr<std::vector<model::OutboxRoom>> Tables::AllOutboxRooms() const {
  std::vector<model::OutboxRoom> rooms;
  RowCursor rows(staged_, TableRange(Table::kOutboxRooms),
                 ScanOrder::kAscending);
  for (;;) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) return rooms;
    absl::StatusOr<model::OutboxRoom> room =
        DecodeOutboxRoom((*row)->key, (*row)->value);
    if (!room.ok()) return room.status();
    if (!room->idle()) rooms.push_back(*std::move(room));
  }
}

absl::StatusOr<std::optional<model::OutboxRoom>> Tables::FindOutboxRoom(
    const model::RoomId& room) const {
  return ReadRecord(*staged_, OutboxRoomKey(room), DecodeOutboxRoom);
}

void Tables::PutOutboxRoom(const model::OutboxRoom& room) {
  const std::string key = OutboxRoomKey(room.room);
  staged_->Put(key, EncodeOutboxRoom(key, room));
}

absl::StatusOr<std::vector<model::OutboxEntry>> Tables::QueuedEntries(
    const model::RoomId& room, model::OutboxSeq from, size_t limit) const {
  const auto rows = staged_->Scan(QueuedKey(room, from),
                                  RoomRange(Table::kOutboxQueued, room).end,
                                  limit, ScanOrder::kAscending);
  if (!rows.ok()) return rows.status();
  std::vector<model::OutboxEntry> entries;
  entries.reserve(rows->size());
  for (const Row& row : *rows) {
    absl::StatusOr<model::OutboxEntry> entry =
        DecodeOutboxEntry(row.key, row.value);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::optional<model::OutboxEntry>> Tables::FindOutboxEntry(
    const model::ClientMessageId& client_id) const {
  return ReadThroughIndex(*staged_, OutboxIndexKey(client_id),
                          DecodeOutboxEntry);
}

absl::Status Tables::PutOutboxEntry(model::OutboxEntry* entry) {
  const auto old = FindOutboxEntry(entry->client_id);
  if (!old.ok()) return old.status();
  const std::string key = EntryKey(*entry);
  const std::string expiry = EntryExpiryKey(*entry);
  model::ChangeSeq previous;
  std::string old_key;
  std::string old_expiry;
  if (old->has_value()) {
    previous = (*old)->change_seq;
    old_key = EntryKey(**old);
    old_expiry = EntryExpiryKey(**old);
  }
  if (key != old_key) {
    const auto occupied = staged_->Get(key);
    if (!occupied.ok()) return occupied.status();
    if (occupied->has_value()) {
      return DamagedRecord(key, "another message has the same number");
    }
    if (!old_key.empty()) staged_->Delete(old_key);
    const std::string index = OutboxIndexKey(entry->client_id);
    staged_->Put(index, SealRecord(index, key));
  }
  if (expiry != old_expiry) {
    if (!old_expiry.empty()) staged_->Delete(old_expiry);
    if (!expiry.empty()) {
      staged_->Put(expiry, SealRecord(expiry, {}));
      if (expiry < expiry_from_) expiry_from_ = expiry;
    }
  }
  entry->change_seq = feed_.Record(previous, key);
  staged_->Put(key, EncodeOutboxEntry(key, *entry));
  return absl::OkStatus();
}

absl::Status Tables::RemoveOutboxEntry(
    const model::ClientMessageId& client_id) {
  const auto old = FindOutboxEntry(client_id);
  if (!old.ok()) return old.status();
  if (!old->has_value()) return absl::OkStatus();
  staged_->Delete(EntryKey(**old));
  staged_->Delete(OutboxIndexKey(client_id));
  const std::string expiry = EntryExpiryKey(**old);
  if (!expiry.empty()) staged_->Delete(expiry);
  return feed_.RecordRemoval(
      (*old)->change_seq,
      {model::ObjectKind::kOutboxEntry, (*old)->room, client_id, {}});
}

absl::StatusOr<std::optional<model::OutboxEntry>> Tables::NextToExpire() {
  const std::string end = TableRange(Table::kExpiry).end;
  const auto rows = staged_->Scan(expiry_from_, end, 1, ScanOrder::kAscending);
  if (!rows.ok()) return rows.status();
  if (rows->empty()) {
    expiry_from_ = end;
    return std::optional<model::OutboxEntry>();
  }
  const Row& row = rows->front();
  if (auto body = OpenRecord(row.key, row.value); !body.ok()) {
    return body.status();
  }
  const std::optional<ParsedKey> parsed = ParseKey(row.key);
  if (!parsed.has_value()) return DamagedRecord(row.key, "it is no key");
  auto entry = FindOutboxEntry(parsed->client_id);
  if (!entry.ok()) return entry.status();
  if (!entry->has_value() || EntryExpiryKey(**entry) != row.key) {
    return DamagedRecord(row.key, "it leads to no such message");
  }
  expiry_from_ = row.key;
  return entry;
}

absl::StatusOr<std::optional<model::SentRecord>> Tables::FindSent(
    const model::ClientMessageId& client_id) const {
  return ReadRecord(*staged_, SentKey(client_id), DecodeSent);
}

absl::Status Tables::PutSent(const model::SentRecord& record) {
  const std::string key = SentKey(record.client_id);
  const auto old = ReadRecord(*staged_, key, DecodeSent);
  if (!old.ok()) return old.status();
  staged_->Put(key, EncodeSent(key, record));
  const uint64_t before = settled_ids_;
  if (old->has_value() && IsSettled(**old)) {
    staged_->Delete(SettledKey((*old)->settled_at, record.client_id));
    --settled_ids_;
  }
  if (IsSettled(record)) {
    const std::string settled = SettledKey(record.settled_at, record.client_id);
    staged_->Put(settled, SealRecord(settled, {}));
    if (settled < settled_from_) settled_from_ = settled;
    ++settled_ids_;
  }
  if (settled_ids_ > limits_.max_sent_ids) {
    return ForgetSettled(TableRange(Table::kSettled).end,
                         settled_ids_ - limits_.max_sent_ids)
        .status();
  }
  if (settled_ids_ != before) PutSettledCount();
  return absl::OkStatus();
}

absl::StatusOr<size_t> Tables::PruneSent(base::WallTime before, size_t limit) {
  return ForgetSettled(SettledKey(before, model::ClientMessageId()), limit);
}

absl::StatusOr<size_t> Tables::ForgetSettled(const std::string& end,
                                             size_t limit) {
  RowCursor rows(staged_, {settled_from_, end}, ScanOrder::kAscending, limit);
  size_t forgotten = 0;
  while (forgotten < limit) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) break;
    const std::optional<ParsedKey> parsed = ParseKey((*row)->key);
    if (!parsed.has_value()) return DamagedRecord((*row)->key, "it is no key");
    staged_->Delete((*row)->key);
    staged_->Delete(SentKey(parsed->client_id));
    settled_from_ = (*row)->key;
    --settled_ids_;
    ++forgotten;
  }
  if (forgotten > 0) PutSettledCount();
  return forgotten;
}

void Tables::PutSettledCount() {
  const std::string key = MetaKey(MetaField::kSentCount);
  staged_->Put(key, EncodeSentCount(key, settled_ids_));
}

}  // namespace parley::storage
