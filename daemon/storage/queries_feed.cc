#include <cstdint>
#include <utility>

#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/message_view.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/read_record.h"
#include "daemon/storage/records.h"
#include "daemon/storage/row_cursor.h"

// Reading the change feed. Lists are in queries_lists.cc, resume tokens in
// resume_token.cc.
namespace parley::storage {
namespace {

using ChangeObject = decltype(model::Change::object);

// What a tombstone or a row without text counts for.
constexpr size_t kRowBytes = 64;

absl::StatusOr<model::ObjectKind> KindOf(absl::string_view feed_key,
                                         const ParsedKey& object) {
  switch (object.table) {
    case Table::kMessages:
      return model::ObjectKind::kMessage;
    case Table::kOutboxQueued:
    case Table::kOutboxFailed:
      return model::ObjectKind::kOutboxEntry;
    case Table::kRooms:
      return model::ObjectKind::kRoom;
    case Table::kDeliveries:
      return model::ObjectKind::kDelivery;
    default:
      return DamagedRecord(feed_key, "it names no object");
  }
}

// Turns rows of the feed into changes.
class ChangeReader {
 public:
  ChangeReader(const StoreReader& reader, const ChangeFilter& filter)
      : reader_(reader), filter_(filter) {}

  // Nothing when the row does not pass the filter.
  absl::StatusOr<std::optional<model::Change>> Read(const Row& row,
                                                    model::ChangeSeq seq) {
    absl::StatusOr<FeedRow> feed_row = DecodeFeedRow(row.key, row.value);
    if (!feed_row.ok()) return feed_row.status();
    if (auto* tombstone = std::get_if<model::Tombstone>(&*feed_row)) {
      if (!Passes(tombstone->kind, tombstone->room)) {
        return std::optional<model::Change>();
      }
      bytes_ += kRowBytes;
      return std::optional<model::Change>({seq, std::move(*tombstone)});
    }
    return ReadObject(row.key, std::get<std::string>(*feed_row), seq);
  }

  // Of the changes read so far, as they are stored.
  size_t bytes() const { return bytes_; }

 private:
  bool Passes(model::ObjectKind kind, const model::RoomId& room) const {
    return model::Contains(filter_.kinds, kind) &&
           (!filter_.room.has_value() || *filter_.room == room);
  }

  absl::StatusOr<std::optional<model::Change>> ReadObject(
      absl::string_view feed_key, const std::string& key,
      model::ChangeSeq seq) {
    const std::optional<ParsedKey> parsed = ParseKey(key);
    if (!parsed.has_value()) {
      return DamagedRecord(feed_key, "it names no object");
    }
    const auto kind = KindOf(feed_key, *parsed);
    if (!kind.ok()) return kind.status();
    if (!model::Contains(filter_.kinds, *kind)) {
      return std::optional<model::Change>();
    }
    // Only a delivery's key does not tell its room.
    if (*kind != model::ObjectKind::kDelivery && !Passes(*kind, parsed->room)) {
      return std::optional<model::Change>();
    }
    const auto value = reader_.Get(key);
    if (!value.ok()) return value.status();
    if (!value->has_value()) {
      return DamagedRecord(key, "it is missing, but the change feed has it");
    }
    bytes_ += (*value)->size() + kRowBytes;
    switch (*kind) {
      case model::ObjectKind::kMessage:
        return ReadMessage(key, **value, seq);
      case model::ObjectKind::kOutboxEntry:
        return Finish(key, DecodeOutboxEntry(key, **value), seq);
      case model::ObjectKind::kRoom:
        return Finish(key, DecodeRoom(key, **value), seq);
      case model::ObjectKind::kDelivery:
        return Finish(key, DecodeDelivery(key, **value), seq);
    }
    return DamagedRecord(feed_key, "it names no object");
  }

  absl::StatusOr<std::optional<model::Change>> ReadMessage(
      absl::string_view key, absl::string_view value, model::ChangeSeq seq) {
    auto message = DecodeMessage(key, value);
    if (!message.ok()) return message.status();
    if (message->change_seq != seq) return OutOfStep(key);
    auto view = MakeMessageView(reader_, *std::move(message));
    if (!view.ok()) return view.status();
    return std::optional<model::Change>({seq, *std::move(view)});
  }

  template <typename T>
  absl::StatusOr<std::optional<model::Change>> Finish(absl::string_view key,
                                                      absl::StatusOr<T> object,
                                                      model::ChangeSeq seq) {
    if (!object.ok()) return object.status();
    if (object->change_seq != seq) return OutOfStep(key);
    if (filter_.room.has_value() && object->room != *filter_.room) {
      return std::optional<model::Change>();
    }
    return std::optional<model::Change>({seq, *std::move(object)});
  }

  static absl::Status OutOfStep(absl::string_view key) {
    return DamagedRecord(key, "it and the change feed do not agree");
  }

  const StoreReader& reader_;
  const ChangeFilter& filter_;
  size_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<ChangePage> ReadChanges(const StoreReader& reader,
                                       model::ChangeSeq after,
                                       const ChangeFilter& filter,
                                       size_t max_bytes) {
  ChangePage page;
  page.next = after;
  ChangeReader changes(reader, filter);
  RowCursor rows(&reader, {FeedKey(after.Next()), TableRange(Table::kFeed).end},
                 ScanOrder::kAscending);
  for (size_t looked_at = 0;; ++looked_at) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) {
      page.at_end = true;
      return page;
    }
    if (looked_at == kMaxChangeRowsPerPage) return page;
    const std::optional<ParsedKey> parsed = ParseKey((*row)->key);
    if (!parsed.has_value()) return DamagedRecord((*row)->key, "it is no key");
    const model::ChangeSeq seq(parsed->number);
    auto change = changes.Read(**row, seq);
    if (!change.ok()) return change.status();
    if (change->has_value()) {
      // What does not fit starts the next page.
      if (!page.changes.empty() && changes.bytes() > max_bytes) return page;
      page.changes.push_back(**std::move(change));
    }
    page.next = seq;
  }
}

}  // namespace parley::storage
