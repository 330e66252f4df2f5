#include "daemon/storage/testing/verify.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/read_record.h"
#include "daemon/storage/records.h"
#include "daemon/storage/row_cursor.h"

namespace parley::storage {
namespace {

// Collects what is said of each thing from both sides, and compares.
class Verifier {
 public:
  explicit Verifier(const StoreReader& reader) : reader_(reader) {}

  absl::Status Run(bool with_outbox_counters) {
    RowCursor rows(&reader_, {}, ScanOrder::kAscending);
    for (;;) {
      const absl::StatusOr<Row*> row = rows.Next();
      if (!row.ok()) return row.status();
      if (*row == nullptr) break;
      const std::optional<ParsedKey> parsed = ParseKey((*row)->key);
      if (!parsed.has_value()) return DamagedRecord((*row)->key, "no key");
      if (absl::Status status = Visit((*row)->key, (*row)->value, *parsed);
          !status.ok()) {
        return status;
      }
    }
    if (absl::Status status = Compare(); !status.ok()) return status;
    return with_outbox_counters ? CompareOutboxRooms() : absl::OkStatus();
  }

 private:
  absl::Status Visit(const std::string& key, const std::string& value,
                     const ParsedKey& parsed) {
    switch (parsed.table) {
      case Table::kRooms:
        return VisitObject(key, DecodeRoom(key, value));
      case Table::kDeliveries:
        return VisitObject(key, DecodeDelivery(key, value));
      case Table::kOutboxQueued:
      case Table::kOutboxFailed:
        return VisitEntry(key, value, parsed);
      case Table::kMessages:
        return VisitMessage(key, value, parsed);
      case Table::kOutboxIndex:
      case Table::kMessageIds:
      case Table::kMessageSenders: {
        const auto body = OpenRecord(key, value);
        if (!body.ok()) return body.status();
        found_index_[key] = std::string(*body);
        return absl::OkStatus();
      }
      case Table::kExpiry:
      case Table::kSettled:
      case Table::kTombstones:
        found_index_[key] = "";
        return OpenRecord(key, value).status();
      case Table::kSent:
        return VisitSent(key, value);
      case Table::kRoomMessages:
        return Keep(key, DecodeRoomMessages(key, value), parsed.room.value(),
                    &found_messages_);
      case Table::kOutboxRooms:
        return Keep(key, DecodeOutboxRoom(key, value), parsed.room.value(),
                    &found_outbox_rooms_);
      case Table::kSyncCursors:
        return DecodeSyncCursor(key, value).status();
      case Table::kFeed:
        return VisitFeed(key, value, parsed);
      case Table::kMeta:
        return OpenRecord(key, value).status();
    }
    return DamagedRecord(key, "unknown table");
  }

  template <typename T>
  absl::Status VisitObject(const std::string& key, absl::StatusOr<T> object) {
    if (!object.ok()) return object.status();
    expected_feed_[object->change_seq.value()] = key;
    ++objects_;
    return absl::OkStatus();
  }

  template <typename T>
  static absl::Status Keep(const std::string& key, absl::StatusOr<T> record,
                           const std::string& room,
                           std::map<std::string, T>* kept) {
    if (!record.ok()) return record.status();
    (*kept)[room] = *std::move(record);
    return absl::OkStatus();
  }

  absl::Status VisitEntry(const std::string& key, const std::string& value,
                          const ParsedKey& parsed) {
    auto entry = DecodeOutboxEntry(key, value);
    if (!entry.ok()) return entry.status();
    const bool failed = entry->state == model::OutboxState::kFailed;
    if (failed != (parsed.table == Table::kOutboxFailed)) {
      return DamagedRecord(key, "it is in the wrong table");
    }
    expected_index_[OutboxIndexKey(entry->client_id)] = key;
    if (!failed && entry->expires_at.has_value()) {
      expected_index_[ExpiryKey(*entry->expires_at, entry->client_id)] = "";
    }
    model::OutboxRoom& room = counted_outbox_rooms_[entry->room.value()];
    ++(failed ? room.failed : room.queued);
    room.bytes += model::ContentBytes(entry->content);
    if (!failed && room.queued == 1) room.head_seq = entry->seq;
    if (room.next_seq <= entry->seq) room.next_seq = entry->seq.Next();
    return VisitObject(key, std::move(entry));
  }

  absl::Status VisitMessage(const std::string& key, const std::string& value,
                            const ParsedKey& parsed) {
    auto message = DecodeMessage(key, value);
    if (!message.ok()) return message.status();
    if (!message->id.empty()) expected_index_[MessageIdKey(message->id)] = key;
    if (!message->client_id.empty()) {
      expected_index_[MessageSenderKey(message->sender, message->client_id)] =
          key;
    }
    const MessagePosition position{parsed.number, parsed.tie};
    if (!position.local()) {
      RoomMessages& counted = counted_messages_[message->room.value()];
      if (counted.settled++ == 0) counted.first = position;
    }
    return VisitObject(key, std::move(message));
  }

  absl::Status VisitSent(const std::string& key, const std::string& value) {
    const auto sent = DecodeSent(key, value);
    if (!sent.ok()) return sent.status();
    using Outcome = model::SentRecord::Outcome;
    if (sent->outcome != Outcome::kQueued &&
        sent->outcome != Outcome::kFailed) {
      expected_index_[SettledKey(sent->settled_at, sent->client_id)] = "";
      ++settled_;
    }
    return absl::OkStatus();
  }

  absl::Status VisitFeed(const std::string& key, const std::string& value,
                         const ParsedKey& parsed) {
    const auto row = DecodeFeedRow(key, value);
    if (!row.ok()) return row.status();
    if (std::holds_alternative<model::Tombstone>(*row)) {
      expected_index_[TombstoneKey(model::ChangeSeq(parsed.number))] = "";
      if (tombstones_++ == 0) first_tombstone_ = parsed.number;
    } else {
      found_feed_[parsed.number] = std::get<std::string>(*row);
    }
    return absl::OkStatus();
  }

  absl::Status Compare() const {
    if (objects_ != expected_feed_.size()) {
      return absl::DataLossError("two objects have the same change sequence");
    }
    if (found_feed_ != expected_feed_) {
      return absl::DataLossError(
          absl::StrCat("the feed has ", found_feed_.size(), " live rows for ",
                       expected_feed_.size(), " objects, or others"));
    }
    for (const auto& [key, target] : expected_index_) {
      const auto found = found_index_.find(key);
      if (found == found_index_.end()) return DamagedRecord(key, "is missing");
      if (found->second != target) return DamagedRecord(key, "leads elsewhere");
    }
    for (const auto& [key, target] : found_index_) {
      if (expected_index_.count(key) == 0) {
        return DamagedRecord(key, "leads nowhere");
      }
    }
    for (const auto& [room, counted] : counted_messages_) {
      const auto found = found_messages_.find(room);
      if (found == found_messages_.end() ||
          found->second.settled != counted.settled ||
          MessageKey(model::RoomId(room), found->second.first) >
              MessageKey(model::RoomId(room), counted.first)) {
        return absl::DataLossError(absl::StrCat("the messages of room ", room,
                                                " are counted wrongly"));
      }
    }
    for (const auto& [room, found] : found_messages_) {
      if (found.settled != 0 && counted_messages_.count(room) == 0) {
        return absl::DataLossError(
            absl::StrCat("messages of room ", room, " are missing"));
      }
    }
    return CompareMeta();
  }

  absl::Status CompareMeta() const {
    const auto settled =
        ReadRecord(reader_, MetaKey(MetaField::kSentCount), DecodeSentCount);
    if (!settled.ok()) return settled.status();
    if (settled->value_or(0) != settled_) {
      return absl::DataLossError(
          absl::StrCat(settled_, " sent ids, counted ", settled->value_or(0)));
    }
    const auto state = ReadFeedState(reader_);
    if (!state.ok()) return state.status();
    if (state->tombstones != tombstones_ ||
        (tombstones_ > 0 && state->floor.value() >= first_tombstone_)) {
      return absl::DataLossError(absl::StrCat(
          tombstones_, " tombstones from ", first_tombstone_, ", counted ",
          state->tombstones, " above ", state->floor.value()));
    }
    return ReadFeedEpochs(reader_).status();
  }

  absl::Status CompareOutboxRooms() const {
    for (const auto& [name, counted] : counted_outbox_rooms_) {
      const auto found = found_outbox_rooms_.find(name);
      if (found == found_outbox_rooms_.end() ||
          found->second.queued != counted.queued ||
          found->second.failed != counted.failed ||
          found->second.bytes != counted.bytes ||
          found->second.next_seq < counted.next_seq ||
          (counted.queued > 0 && found->second.head_seq > counted.head_seq)) {
        return absl::DataLossError(
            absl::StrCat("the outbox of room ", name, " is counted wrongly"));
      }
    }
    for (const auto& [name, found] : found_outbox_rooms_) {
      if (!found.idle() && counted_outbox_rooms_.count(name) == 0) {
        return absl::DataLossError(
            absl::StrCat("the outbox of room ", name, " is missing"));
      }
    }
    return absl::OkStatus();
  }

  const StoreReader& reader_;
  // Index row -> what it must hold, and does hold.
  std::map<std::string, std::string> expected_index_;
  std::map<std::string, std::string> found_index_;
  // Change sequence -> key of the object.
  std::map<uint64_t, std::string> expected_feed_;
  std::map<uint64_t, std::string> found_feed_;
  // By room.
  std::map<std::string, RoomMessages> counted_messages_;
  std::map<std::string, RoomMessages> found_messages_;
  std::map<std::string, model::OutboxRoom> counted_outbox_rooms_;
  std::map<std::string, model::OutboxRoom> found_outbox_rooms_;
  uint64_t objects_ = 0;
  uint64_t settled_ = 0;
  uint64_t tombstones_ = 0;
  uint64_t first_tombstone_ = 0;
};

}  // namespace

absl::Status VerifyStore(const StoreReader& reader) {
  return Verifier(reader).Run(/*with_outbox_counters=*/false);
}

absl::Status VerifyStoreAndOutbox(const StoreReader& reader) {
  return Verifier(reader).Run(/*with_outbox_counters=*/true);
}

}  // namespace parley::storage
