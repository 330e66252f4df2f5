#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/message_view.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/read_record.h"
#include "daemon/storage/records.h"
#include "daemon/storage/row_cursor.h"

namespace parley::storage {
namespace {

// The key of a stored message of `room`.
absl::StatusOr<std::string> FindAnchor(const StoreReader& reader,
                                       const model::RoomId& room,
                                       const model::MessageId& id) {
  auto key = ReadIndex(reader, MessageIdKey(id));
  if (!key.ok()) return key.status();
  if (key->has_value()) {
    const std::optional<ParsedKey> parsed = ParseKey(**key);
    if (!parsed.has_value()) return DamagedRecord(**key, "it is no key");
    if (parsed->room == room) return **std::move(key);
  }
  return absl::NotFoundError(absl::StrCat(
      "message ", id.value(), " is not stored in room ", room.value()));
}

// The key that a place in `room` stands for.
absl::StatusOr<std::string> DecodePlace(const model::RoomId& room,
                                        absl::string_view place) {
  std::string key;
  if (absl::WebSafeBase64Unescape(place, &key)) {
    const std::optional<ParsedKey> parsed = ParseKey(key);
    if (parsed.has_value() && parsed->table == Table::kMessages &&
        parsed->room == room) {
      return key;
    }
  }
  return absl::InvalidArgumentError("the page token is of another list");
}

absl::StatusOr<std::optional<std::string>> FindBound(
    const StoreReader& reader, const model::RoomId& room,
    const std::optional<model::MessageId>& id,
    const std::optional<std::string>& place) {
  if (!id.has_value() && !place.has_value()) return std::nullopt;
  auto key = id.has_value() ? FindAnchor(reader, room, *id)
                            : DecodePlace(room, *place);
  if (!key.ok()) return key.status();
  return *std::move(key);
}

// --- The outbox's pages ------------------------------------------------------

std::string EncodeOutboxPageToken(absl::string_view key) {
  return absl::WebSafeBase64Escape(key);
}

absl::StatusOr<ParsedKey> DecodeOutboxPageToken(absl::string_view token,
                                                const OutboxFilter& filter) {
  std::string key;
  std::optional<ParsedKey> parsed;
  if (absl::WebSafeBase64Unescape(token, &key) &&
      EncodeOutboxPageToken(key) == token) {
    parsed = ParseKey(key);
  }
  if (!parsed.has_value() || (parsed->table != Table::kOutboxQueued &&
                              parsed->table != Table::kOutboxFailed)) {
    return absl::InvalidArgumentError(
        "the page token is not one that an outbox list gave");
  }
  if ((filter.room.has_value() && *filter.room != parsed->room) ||
      (filter.failed_only && parsed->table != Table::kOutboxFailed)) {
    return absl::InvalidArgumentError(
        "the page token is of a list with another filter");
  }
  return *std::move(parsed);
}

// Reads the entries of one page: all queued ones by room, then all failed ones.
class OutboxLister {
 public:
  OutboxLister(const StoreReader& reader, const OutboxFilter& filter,
               size_t limit)
      : reader_(reader), filter_(filter), limit_(std::max<size_t>(limit, 1)) {}

  absl::StatusOr<OutboxPage> List(const std::optional<ParsedKey>& from) {
    for (const Table table : {Table::kOutboxQueued, Table::kOutboxFailed}) {
      if (table == Table::kOutboxQueued && filter_.failed_only) continue;
      if (from.has_value() && from->table > table) continue;
      const bool resumed = from.has_value() && from->table == table;
      const absl::Status status =
          ListTable(table, resumed ? from : std::nullopt);
      if (!status.ok()) return status;
      if (full()) break;
    }
    return std::move(page_);
  }

 private:
  bool full() const { return !page_.next.empty(); }

  absl::Status ListTable(Table table, const std::optional<ParsedKey>& from) {
    KeyRange range = TableRange(Table::kOutboxRooms);
    if (filter_.room.has_value()) {
      range = RoomRange(Table::kOutboxRooms, *filter_.room);
    } else if (from.has_value()) {
      range.begin = OutboxRoomKey(from->room);
    }
    RowCursor rooms(&reader_, std::move(range), ScanOrder::kAscending);
    while (!full()) {
      const absl::StatusOr<Row*> row = rooms.Next();
      if (!row.ok()) return row.status();
      if (*row == nullptr) break;
      const auto room = DecodeOutboxRoom((*row)->key, (*row)->value);
      if (!room.ok()) return room.status();
      const bool first = from.has_value() && from->room == room->room;
      const model::OutboxSeq start(first ? from->number : 0);
      if (absl::Status status = ListRoom(table, *room, start); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  absl::Status ListRoom(Table table, const model::OutboxRoom& room,
                        model::OutboxSeq start) {
    std::string begin;
    if (table == Table::kOutboxQueued) {
      if (room.queued == 0) return absl::OkStatus();
      // Before the head there is only what was deleted.
      begin = QueuedKey(room.room, std::max(start, room.head_seq));
    } else {
      if (room.failed == 0) return absl::OkStatus();
      begin = FailedKey(room.room, start);
    }
    RowCursor rows(&reader_, {begin, RoomRange(table, room.room).end},
                   ScanOrder::kAscending, limit_ - page_.entries.size() + 1);
    for (;;) {
      const absl::StatusOr<Row*> row = rows.Next();
      if (!row.ok()) return row.status();
      if (*row == nullptr) return absl::OkStatus();
      if (page_.entries.size() == limit_ || bytes_ >= kMaxListPageBytes) {
        page_.next = EncodeOutboxPageToken((*row)->key);
        return absl::OkStatus();
      }
      auto entry = DecodeOutboxEntry((*row)->key, (*row)->value);
      if (!entry.ok()) return entry.status();
      bytes_ += (*row)->value.size();
      page_.entries.push_back(*std::move(entry));
    }
  }

  const StoreReader& reader_;
  const OutboxFilter& filter_;
  const size_t limit_;
  OutboxPage page_;
  size_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<model::MessageView> MakeMessageView(const StoreReader& reader,
                                                   model::Message message) {
  model::MessageView view;
  view.message = std::move(message);
  if (view.message.client_id.empty()) return view;
  const auto delivery =
      ReadRecord(reader, DeliveryKey(view.message.client_id), DecodeDelivery);
  if (!delivery.ok()) return delivery.status();
  if (!delivery->has_value()) return view;
  const auto binding =
      ReadRecord(reader, MetaKey(MetaField::kBinding), DecodeBinding);
  if (!binding.ok()) return binding.status();
  const model::UserId account =
      binding->has_value() ? (*binding)->user : model::UserId();
  if (IsDeliveryOf(**delivery, view.message, account)) {
    view.delivery = (*delivery)->state;
  }
  return view;
}

absl::StatusOr<MessagePage> ListMessages(const StoreReader& reader,
                                         const model::RoomId& room,
                                         const MessageRange& range,
                                         size_t limit) {
  if (range.before.has_value() + range.after.has_value() +
          range.before_place.has_value() + range.after_place.has_value() >
      1) {
    return absl::InvalidArgumentError(
        "messages can be listed before one message or after one, not both");
  }
  const auto before = FindBound(reader, room, range.before, range.before_place);
  if (!before.ok()) return before.status();
  const auto after = FindBound(reader, room, range.after, range.after_place);
  if (!after.ok()) return after.status();
  limit = std::max<size_t>(limit, 1);
  KeyRange keys = RoomRange(Table::kMessages, room);
  ScanOrder order = ScanOrder::kDescending;
  if (before->has_value()) {
    keys.end = **before;
  } else if (after->has_value()) {
    keys.begin = KeyAfter(**after);
    order = ScanOrder::kAscending;
  }

  MessagePage page;
  bool more = false;
  size_t bytes = 0;
  RowCursor rows(&reader, std::move(keys), order, limit + 1);
  for (;;) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) break;
    more = page.messages.size() == limit || bytes >= kMaxListPageBytes;
    if (more) break;
    auto message = DecodeMessage((*row)->key, (*row)->value);
    if (!message.ok()) return message.status();
    bytes += (*row)->value.size();
    auto view = MakeMessageView(reader, *std::move(message));
    if (!view.ok()) return view.status();
    page.messages.push_back(*std::move(view));
    page.newest_place = absl::WebSafeBase64Escape((*row)->key);
    if (page.messages.size() == 1) page.oldest_place = page.newest_place;
  }
  if (order == ScanOrder::kDescending) {
    std::reverse(page.messages.begin(), page.messages.end());
    std::swap(page.oldest_place, page.newest_place);
    page.has_older = more;
    page.has_newer = before->has_value();
  } else {
    page.has_older = true;
    page.has_newer = more;
  }
  return page;
}

absl::StatusOr<RoomPage> ListRooms(const StoreReader& reader,
                                   const std::optional<model::RoomId>& from,
                                   size_t limit) {
  limit = std::max<size_t>(limit, 1);
  KeyRange range = TableRange(Table::kRooms);
  if (from.has_value()) range.begin = RoomKey(*from);
  RoomPage page;
  RowCursor rows(&reader, std::move(range), ScanOrder::kAscending, limit + 1);
  for (;;) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) return page;
    auto room = DecodeRoom((*row)->key, (*row)->value);
    if (!room.ok()) return room.status();
    if (page.rooms.size() == limit) {
      page.next = std::move(room->room);
      return page;
    }
    page.rooms.push_back(*std::move(room));
  }
}

absl::StatusOr<std::optional<model::Room>> GetRoom(const StoreReader& reader,
                                                   const model::RoomId& room) {
  return ReadRecord(reader, RoomKey(room), DecodeRoom);
}

absl::StatusOr<OutboxPage> ListOutbox(const StoreReader& reader,
                                      const OutboxFilter& filter,
                                      absl::string_view from, size_t limit) {
  std::optional<ParsedKey> start;
  if (!from.empty()) {
    auto decoded = DecodeOutboxPageToken(from, filter);
    if (!decoded.ok()) return decoded.status();
    start = *std::move(decoded);
  }
  return OutboxLister(reader, filter, limit).List(start);
}

absl::StatusOr<std::optional<model::OutboxEntry>> GetOutboxEntry(
    const StoreReader& reader, const model::ClientMessageId& client_id) {
  return ReadThroughIndex(reader, OutboxIndexKey(client_id), DecodeOutboxEntry);
}

absl::StatusOr<std::optional<model::SentRecord>> GetSentRecord(
    const StoreReader& reader, const model::ClientMessageId& client_id) {
  return ReadRecord(reader, SentKey(client_id), DecodeSent);
}

absl::StatusOr<StoreInfo> GetStoreInfo(const StoreReader& reader) {
  StoreInfo info;
  const auto schema =
      ReadExisting(reader, MetaKey(MetaField::kSchema), DecodeSchemaVersion);
  if (!schema.ok()) return schema.status();
  info.schema_version = *schema;
  auto store_id =
      ReadExisting(reader, MetaKey(MetaField::kStoreId), DecodeStoreId);
  if (!store_id.ok()) return store_id.status();
  info.store_id = *std::move(store_id);
  const auto epochs = ReadFeedEpochs(reader);
  if (!epochs.ok()) return epochs.status();
  info.epoch = epochs->back().epoch;
  auto binding =
      ReadRecord(reader, MetaKey(MetaField::kBinding), DecodeBinding);
  if (!binding.ok()) return binding.status();
  if (binding->has_value()) {
    info.server_url = std::move((*binding)->server_url);
    info.user = std::move((*binding)->user);
  }
  const auto last = ReadLastChange(reader);
  if (!last.ok()) return last.status();
  info.last_change = *last;
  return info;
}

}  // namespace parley::storage
