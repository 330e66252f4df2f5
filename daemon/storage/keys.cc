#include "daemon/storage/keys.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace parley::storage {
namespace {

constexpr char kNameEnd = '\x00';
constexpr char kEscape = '\x01';
constexpr uint64_t kSignBit = uint64_t{1} << 63;

void AppendName(absl::string_view name, std::string* key) {
  for (const char c : name) {
    if (c == kNameEnd || c == kEscape) {
      key->push_back(kEscape);
      key->push_back(static_cast<char>(c + 1));
    } else {
      key->push_back(c);
    }
  }
  key->push_back(kNameEnd);
}

void AppendNumber(uint64_t number, std::string* key) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    key->push_back(static_cast<char>(number >> shift));
  }
}

void AppendTime(base::WallTime time, std::string* key) {
  AppendNumber(static_cast<uint64_t>(absl::ToUnixMillis(time)) ^ kSignBit, key);
}

std::string Start(Table table) {
  return std::string(1, static_cast<char>(table));
}

std::string WithName(Table table, absl::string_view name) {
  std::string key = Start(table);
  key.reserve(name.size() + 18);
  AppendName(name, &key);
  return key;
}

std::string WithId(Table table, absl::string_view id) {
  return absl::StrCat(Start(table), id);
}

std::string WithSeq(Table table, const model::RoomId& room,
                    model::OutboxSeq seq) {
  std::string key = WithName(table, room.value());
  AppendNumber(seq.value(), &key);
  return key;
}

std::string WithTime(Table table, base::WallTime time,
                     const model::ClientMessageId& client_id) {
  std::string key = Start(table);
  AppendTime(time, &key);
  key.append(client_id.value());
  return key;
}

std::string WithChange(Table table, model::ChangeSeq seq) {
  std::string key = Start(table);
  AppendNumber(seq.value(), &key);
  return key;
}

// Takes components off the front of a key.
class KeyReader {
 public:
  explicit KeyReader(absl::string_view key) : rest_(key) {}

  bool ReadByte(uint8_t* byte) {
    if (rest_.empty()) return false;
    *byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }

  bool ReadNumber(uint64_t* number) {
    if (rest_.size() < 8) return false;
    *number = 0;
    for (int i = 0; i < 8; ++i) {
      *number = *number << 8 | static_cast<uint8_t>(rest_[i]);
    }
    rest_.remove_prefix(8);
    return true;
  }

  bool ReadTime(base::WallTime* time) {
    uint64_t number = 0;
    if (!ReadNumber(&number)) return false;
    *time = absl::FromUnixMillis(static_cast<int64_t>(number ^ kSignBit));
    return true;
  }

  bool ReadName(std::string* name) {
    for (size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == kNameEnd) {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] != kEscape) {
        name->push_back(rest_[i]);
        continue;
      }
      if (++i == rest_.size()) return false;
      if (rest_[i] != kNameEnd + 1 && rest_[i] != kEscape + 1) return false;
      name->push_back(static_cast<char>(rest_[i] - 1));
    }
    return false;
  }

  std::string ReadRest() {
    return std::string(std::exchange(rest_, absl::string_view()));
  }

  bool done() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
};

template <typename Id>
bool ReadNamed(KeyReader* reader, Id* id) {
  std::string name;
  if (!reader->ReadName(&name)) return false;
  *id = Id(std::move(name));
  return true;
}

bool ReadComponents(KeyReader* reader, ParsedKey* key) {
  switch (key->table) {
    case Table::kMeta: {
      uint8_t field = 0;
      if (!reader->ReadByte(&field)) return false;
      key->field = static_cast<MetaField>(field);
      return true;
    }
    case Table::kRooms:
    case Table::kOutboxRooms:
    case Table::kRoomMessages:
    case Table::kSyncCursors:
      return ReadNamed(reader, &key->room);
    case Table::kOutboxQueued:
    case Table::kOutboxFailed:
      return ReadNamed(reader, &key->room) && reader->ReadNumber(&key->number);
    case Table::kMessages:
      return ReadNamed(reader, &key->room) &&
             reader->ReadNumber(&key->number) && reader->ReadNumber(&key->tie);
    case Table::kOutboxIndex:
    case Table::kSent:
    case Table::kDeliveries:
      key->client_id = model::ClientMessageId(reader->ReadRest());
      return true;
    case Table::kExpiry:
    case Table::kSettled:
      if (!reader->ReadTime(&key->time)) return false;
      key->client_id = model::ClientMessageId(reader->ReadRest());
      return true;
    case Table::kMessageIds:
      key->message_id = model::MessageId(reader->ReadRest());
      return true;
    case Table::kMessageSenders:
      if (!ReadNamed(reader, &key->sender)) return false;
      key->client_id = model::ClientMessageId(reader->ReadRest());
      return true;
    case Table::kFeed:
    case Table::kTombstones:
      return reader->ReadNumber(&key->number);
  }
  return false;
}

absl::string_view TableName(Table table) {
  switch (table) {
    case Table::kMeta:
      return "meta";
    case Table::kRooms:
      return "room";
    case Table::kOutboxRooms:
      return "outbox room";
    case Table::kOutboxQueued:
      return "queued entry";
    case Table::kOutboxFailed:
      return "failed entry";
    case Table::kOutboxIndex:
      return "outbox index";
    case Table::kExpiry:
      return "expiry";
    case Table::kSent:
      return "sent record";
    case Table::kSettled:
      return "settled index";
    case Table::kMessages:
      return "message";
    case Table::kMessageIds:
      return "message id index";
    case Table::kMessageSenders:
      return "message sender index";
    case Table::kRoomMessages:
      return "message count";
    case Table::kDeliveries:
      return "delivery";
    case Table::kFeed:
      return "change";
    case Table::kTombstones:
      return "tombstone";
    case Table::kSyncCursors:
      return "sync cursor";
  }
  return "unknown";
}

absl::string_view FieldName(MetaField field) {
  switch (field) {
    case MetaField::kSchema:
      return "schema version";
    case MetaField::kStoreId:
      return "store id";
    case MetaField::kBinding:
      return "account";
    case MetaField::kCapabilities:
      return "server capabilities";
    case MetaField::kStopped:
      return "stopped on purpose";
    case MetaField::kFeedEpochs:
      return "feed epochs";
    case MetaField::kFeedState:
      return "feed state";
    case MetaField::kSentCount:
      return "count of sent records";
    case MetaField::kErasure:
      return "what a sign-out still has to erase";
  }
  return "unknown field";
}

void AppendField(absl::string_view name, absl::string_view value,
                 std::string* text) {
  if (value.empty()) return;
  absl::StrAppend(text, " ", name, " \"", absl::CHexEscape(value), "\"");
}

}  // namespace

std::string MetaKey(MetaField field) {
  return {static_cast<char>(Table::kMeta), static_cast<char>(field)};
}

std::string RoomKey(const model::RoomId& room) {
  return WithName(Table::kRooms, room.value());
}

std::string OutboxRoomKey(const model::RoomId& room) {
  return WithName(Table::kOutboxRooms, room.value());
}

std::string QueuedKey(const model::RoomId& room, model::OutboxSeq seq) {
  return WithSeq(Table::kOutboxQueued, room, seq);
}

std::string FailedKey(const model::RoomId& room, model::OutboxSeq seq) {
  return WithSeq(Table::kOutboxFailed, room, seq);
}

std::string OutboxIndexKey(const model::ClientMessageId& client_id) {
  return WithId(Table::kOutboxIndex, client_id.value());
}

std::string ExpiryKey(base::WallTime expires_at,
                      const model::ClientMessageId& client_id) {
  return WithTime(Table::kExpiry, expires_at, client_id);
}

std::string SentKey(const model::ClientMessageId& client_id) {
  return WithId(Table::kSent, client_id.value());
}

std::string SettledKey(base::WallTime settled_at,
                       const model::ClientMessageId& client_id) {
  return WithTime(Table::kSettled, settled_at, client_id);
}

std::string MessageKey(const model::RoomId& room, MessagePosition position) {
  std::string key = WithName(Table::kMessages, room.value());
  AppendNumber(position.order, &key);
  AppendNumber(position.tie, &key);
  return key;
}

std::string MessageIdKey(const model::MessageId& id) {
  return WithId(Table::kMessageIds, id.value());
}

std::string MessageSenderKey(const model::UserId& sender,
                             const model::ClientMessageId& client_id) {
  std::string key = WithName(Table::kMessageSenders, sender.value());
  key.append(client_id.value());
  return key;
}

std::string RoomMessagesKey(const model::RoomId& room) {
  return WithName(Table::kRoomMessages, room.value());
}

std::string SyncCursorKey(const model::RoomId& room) {
  return WithName(Table::kSyncCursors, room.value());
}

std::string DeliveryKey(const model::ClientMessageId& client_id) {
  return WithId(Table::kDeliveries, client_id.value());
}

std::string FeedKey(model::ChangeSeq seq) {
  return WithChange(Table::kFeed, seq);
}

std::string TombstoneKey(model::ChangeSeq seq) {
  return WithChange(Table::kTombstones, seq);
}

KeyRange TableRange(Table table) {
  KeyRange range{Start(table), Start(table)};
  ++range.end.back();
  return range;
}

KeyRange RoomRange(Table table, const model::RoomId& room) {
  KeyRange range{WithName(table, room.value()), {}};
  range.end = range.begin;
  range.end.back() = kNameEnd + 1;
  return range;
}

std::string KeyAfter(absl::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return after;
}

std::optional<ParsedKey> ParseKey(absl::string_view key) {
  KeyReader reader(key);
  uint8_t table = 0;
  ParsedKey parsed;
  if (!reader.ReadByte(&table)) return std::nullopt;
  parsed.table = static_cast<Table>(table);
  if (!ReadComponents(&reader, &parsed) || !reader.done()) return std::nullopt;
  return parsed;
}

std::string DescribeKey(absl::string_view key) {
  const std::optional<ParsedKey> parsed = ParseKey(key);
  if (!parsed.has_value()) {
    return absl::StrCat("unknown key 0x", absl::BytesToHexString(key));
  }
  std::string text(TableName(parsed->table));
  if (parsed->table == Table::kMeta) {
    absl::StrAppend(&text, ": ", FieldName(parsed->field));
    return text;
  }
  AppendField("room", parsed->room.value(), &text);
  AppendField("sender", parsed->sender.value(), &text);
  AppendField("client id", parsed->client_id.value(), &text);
  AppendField("id", parsed->message_id.value(), &text);
  switch (parsed->table) {
    case Table::kOutboxQueued:
    case Table::kOutboxFailed:
    case Table::kFeed:
    case Table::kTombstones:
      absl::StrAppend(&text, " seq ", parsed->number);
      break;
    case Table::kMessages:
      absl::StrAppend(&text, " position ", parsed->number, "/", parsed->tie);
      break;
    case Table::kExpiry:
    case Table::kSettled:
      absl::StrAppend(&text, " at ",
                      absl::FormatTime(parsed->time, absl::UTCTimeZone()));
      break;
    default:
      break;
  }
  return text;
}

}  // namespace parley::storage
