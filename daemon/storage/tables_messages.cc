#include <algorithm>
#include <utility>

#include "daemon/storage/read_record.h"
#include "daemon/storage/row_cursor.h"
#include "daemon/storage/tables.h"

namespace parley::storage {
namespace {

// One insertion needs one eviction. More are left over only by a version that
// kept more; a step must not pay for all of them.
constexpr uint64_t kMaxEvictionsPerPut = 4;

uint64_t OrderOf(const model::Message& message) {
  constexpr uint64_t kMaxNumber =
      (uint64_t{1} << MessagePosition::kNumberBits) - 1;
  // All ones mean "in the outbox"; no era reaches that.
  constexpr uint64_t kMaxEra =
      (uint64_t{1} << (64 - MessagePosition::kNumberBits)) - 2;
  const uint64_t number = message.room_seq > 0
                              ? message.room_seq
                              : static_cast<uint64_t>(std::max<int64_t>(
                                    absl::ToUnixMillis(message.sent_at), 0));
  const uint64_t era = std::min<uint64_t>(message.history_era, kMaxEra);
  return era << MessagePosition::kNumberBits | std::min(number, kMaxNumber);
}

bool Before(MessagePosition a, MessagePosition b) {
  return a.order != b.order ? a.order < b.order : a.tie < b.tie;
}

}  // namespace

absl::Status Tables::PutMessage(model::Message* message,
                                std::optional<model::OutboxSeq> local_order) {
  auto found = FindStored(*message);
  if (!found.ok()) return found.status();
  if (found->has_value() && (*found)->message.room != message->room) {
    if (absl::Status status = RemoveStored(**found); !status.ok()) {
      return status;
    }
    found->reset();
  }
  const StoredMessage* old = found->has_value() ? &**found : nullptr;

  MessagePosition position;
  if (local_order.has_value()) {
    position = {MessagePosition::kLocalOrder, local_order->value()};
  } else {
    position = {OrderOf(*message), feed_.last().Next().value()};
    if (old != nullptr && old->position.order == position.order) {
      position = old->position;
    }
  }
  const std::string key = MessageKey(message->room, position);
  if (old == nullptr || old->key != key) {
    const auto occupied = staged_->Get(key);
    if (!occupied.ok()) return occupied.status();
    if (occupied->has_value()) {
      return DamagedRecord(key, "another message has the same place");
    }
    if (old != nullptr) staged_->Delete(old->key);
  }
  message->change_seq = feed_.Record(
      old != nullptr ? old->message.change_seq : model::ChangeSeq(), key);
  staged_->Put(key, EncodeMessage(key, *message));
  MoveIndexes(old, *message, key);
  return CountMessages(message->room, old, position);
}

absl::StatusOr<std::optional<Tables::StoredMessage>> Tables::ReadStored(
    absl::string_view index_key) const {
  auto key = ReadIndex(*staged_, index_key);
  if (!key.ok()) return key.status();
  if (!key->has_value()) return std::optional<StoredMessage>();
  auto message = ReadExisting(*staged_, **key, DecodeMessage);
  if (!message.ok()) return message.status();
  const std::optional<ParsedKey> parsed = ParseKey(**key);
  if (!parsed.has_value()) return DamagedRecord(**key, "it is no key");
  StoredMessage stored;
  stored.key = **std::move(key);
  stored.position = {parsed->number, parsed->tie};
  stored.message = *std::move(message);
  return std::optional<StoredMessage>(std::move(stored));
}

// The stored message that `message` is. Where its two names lead to two rows,
// it was taken for two messages so far: the one under its id goes.
absl::StatusOr<std::optional<Tables::StoredMessage>> Tables::FindStored(
    const model::Message& message) {
  std::optional<StoredMessage> by_id;
  std::optional<StoredMessage> by_sender;
  if (!message.id.empty()) {
    auto stored = ReadStored(MessageIdKey(message.id));
    if (!stored.ok()) return stored.status();
    by_id = *std::move(stored);
  }
  if (!message.client_id.empty()) {
    auto stored =
        ReadStored(MessageSenderKey(message.sender, message.client_id));
    if (!stored.ok()) return stored.status();
    by_sender = *std::move(stored);
  }
  if (!by_sender.has_value()) return by_id;
  if (by_id.has_value() && by_id->key != by_sender->key) {
    if (absl::Status status = RemoveStored(*by_id); !status.ok()) {
      return status;
    }
  }
  return by_sender;
}

absl::Status Tables::RemoveStored(const StoredMessage& stored) {
  const model::Message& message = stored.message;
  staged_->Delete(stored.key);
  if (!message.id.empty()) staged_->Delete(MessageIdKey(message.id));
  if (!message.client_id.empty()) {
    staged_->Delete(MessageSenderKey(message.sender, message.client_id));
  }
  if (!stored.position.local()) {
    const std::string key = RoomMessagesKey(message.room);
    auto messages = ReadExisting(*staged_, key, DecodeRoomMessages);
    if (!messages.ok()) return messages.status();
    if (messages->settled == 0) {
      return DamagedRecord(key, "it counts fewer messages than there are");
    }
    --messages->settled;
    staged_->Put(key, EncodeRoomMessages(key, *messages));
  }
  return feed_.RecordRemoval(message.change_seq,
                             {model::ObjectKind::kMessage, message.room,
                              message.client_id, message.id});
}

void Tables::MoveIndexes(const StoredMessage* old,
                         const model::Message& message,
                         const std::string& key) {
  const auto id_key = [](const model::Message& m) {
    return m.id.empty() ? std::string() : MessageIdKey(m.id);
  };
  const auto sender_key = [](const model::Message& m) {
    return m.client_id.empty() ? std::string()
                               : MessageSenderKey(m.sender, m.client_id);
  };
  for (const auto& index_key : {+id_key, +sender_key}) {
    const std::string index = index_key(message);
    const std::string old_index =
        old != nullptr ? index_key(old->message) : std::string();
    if (!old_index.empty() && old_index != index) staged_->Delete(old_index);
    if (!index.empty() && (old_index != index || old->key != key)) {
      staged_->Put(index, SealRecord(index, key));
    }
  }
}

absl::Status Tables::CountMessages(const model::RoomId& room,
                                   const StoredMessage* old,
                                   MessagePosition position) {
  const bool was_settled = old != nullptr && !old->position.local();
  if (was_settled && old->key == MessageKey(room, position)) {
    return absl::OkStatus();
  }
  if (!was_settled && position.local()) return absl::OkStatus();
  const std::string key = RoomMessagesKey(room);
  auto read = ReadRecord(*staged_, key, DecodeRoomMessages);
  if (!read.ok()) return read.status();
  RoomMessages messages = read->value_or(RoomMessages());
  if (was_settled) {
    if (messages.settled == 0) {
      return DamagedRecord(key, "it counts fewer messages than there are");
    }
    --messages.settled;
  }
  if (!position.local()) {
    if (messages.settled == 0 || Before(position, messages.first)) {
      messages.first = position;
    }
    ++messages.settled;
  }
  staged_->Put(key, EncodeRoomMessages(key, messages));
  return EvictExcess(room, messages);
}

absl::Status Tables::EvictExcess(const model::RoomId& room,
                                 const RoomMessages& messages) {
  if (messages.settled <= limits_.max_messages_per_room) {
    return absl::OkStatus();
  }
  return EvictOldest(room, messages,
                     std::min(messages.settled - limits_.max_messages_per_room,
                              kMaxEvictionsPerPut));
}

absl::StatusOr<bool> Tables::WouldBeEvicted(
    const model::Message& message) const {
  const auto messages =
      ReadRecord(*staged_, RoomMessagesKey(message.room), DecodeRoomMessages);
  if (!messages.ok()) return messages.status();
  return messages->has_value() &&
         (*messages)->settled >= limits_.max_messages_per_room &&
         OrderOf(message) < (*messages)->first.order;
}

absl::StatusOr<size_t> Tables::EvictMessages(size_t limit) {
  size_t evicted = 0;
  RowCursor rows(staged_, TableRange(Table::kRoomMessages),
                 ScanOrder::kAscending);
  while (evicted < limit) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) break;
    const std::string key = (*row)->key;
    const std::optional<ParsedKey> parsed = ParseKey(key);
    if (!parsed.has_value()) return DamagedRecord(key, "its key is damaged");
    const auto messages = DecodeRoomMessages(key, (*row)->value);
    if (!messages.ok()) return messages.status();
    const uint64_t count =
        std::min<uint64_t>(messages->settled, limit - evicted);
    if (absl::Status status = EvictOldest(parsed->room, *messages, count);
        !status.ok()) {
      return status;
    }
    evicted += count;
    // So that the next call does not read it again.
    if (count == messages->settled) {
      staged_->Delete(key);
      staged_->Delete(SyncCursorKey(parsed->room));
    }
  }
  return evicted;
}

absl::Status Tables::EvictOldest(const model::RoomId& room,
                                 const RoomMessages& messages, uint64_t count) {
  RowCursor rows(staged_,
                 {MessageKey(room, messages.first),
                  MessageKey(room, {MessagePosition::kLocalOrder, 0})},
                 ScanOrder::kAscending, count);
  const std::string count_key = RoomMessagesKey(room);
  for (uint64_t i = 0; i < count; ++i) {
    const absl::StatusOr<Row*> row = rows.Next();
    if (!row.ok()) return row.status();
    const std::optional<ParsedKey> parsed =
        *row != nullptr ? ParseKey((*row)->key) : std::nullopt;
    if (!parsed.has_value()) {
      return DamagedRecord(count_key, "it counts more messages than there are");
    }
    auto message = DecodeMessage((*row)->key, (*row)->value);
    if (!message.ok()) return message.status();
    const StoredMessage oldest{
        (*row)->key, {parsed->number, parsed->tie}, *std::move(message)};
    if (absl::Status status = RemoveStored(oldest); !status.ok()) {
      return status;
    }
    if (absl::Status status = RemoveDeliveryOf(oldest.message); !status.ok()) {
      return status;
    }
    auto left = ReadExisting(*staged_, count_key, DecodeRoomMessages);
    if (!left.ok()) return left.status();
    left->first = oldest.position;
    staged_->Put(count_key, EncodeRoomMessages(count_key, *left));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<model::Message>> Tables::FindMessage(
    const model::MessageId& id) const {
  return ReadThroughIndex(*staged_, MessageIdKey(id), DecodeMessage);
}

absl::StatusOr<std::optional<model::Message>> Tables::FindMessage(
    const model::UserId& sender,
    const model::ClientMessageId& client_id) const {
  return ReadThroughIndex(*staged_, MessageSenderKey(sender, client_id),
                          DecodeMessage);
}

absl::Status Tables::RemoveMessage(const model::Message& message) {
  const auto stored = FindStored(message);
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return absl::OkStatus();
  return RemoveStored(**stored);
}

absl::StatusOr<std::optional<model::Delivery>> Tables::FindDelivery(
    const model::ClientMessageId& client_id) const {
  return ReadRecord(*staged_, DeliveryKey(client_id), DecodeDelivery);
}

absl::Status Tables::PutDelivery(model::Delivery* delivery) {
  const auto old = FindDelivery(delivery->client_id);
  if (!old.ok()) return old.status();
  const std::string key = DeliveryKey(delivery->client_id);
  delivery->change_seq = feed_.Record(
      old->has_value() ? (*old)->change_seq : model::ChangeSeq(), key);
  staged_->Put(key, EncodeDelivery(key, *delivery));
  return absl::OkStatus();
}

absl::Status Tables::RemoveDelivery(const model::ClientMessageId& client_id) {
  const auto old = FindDelivery(client_id);
  if (!old.ok()) return old.status();
  if (!old->has_value()) return absl::OkStatus();
  staged_->Delete(DeliveryKey(client_id));
  return feed_.RecordRemoval((*old)->change_seq,
                             {model::ObjectKind::kDelivery, (*old)->room,
                              client_id, (*old)->message_id});
}

absl::Status Tables::RemoveDeliveryOf(const model::Message& message) {
  if (message.client_id.empty()) return absl::OkStatus();
  const auto delivery = FindDelivery(message.client_id);
  if (!delivery.ok()) return delivery.status();
  if (!delivery->has_value()) return absl::OkStatus();
  const auto binding = Binding();
  if (!binding.ok()) return binding.status();
  if (!IsDeliveryOf(**delivery, message, binding->user)) {
    return absl::OkStatus();
  }
  return RemoveDelivery(message.client_id);
}

}  // namespace parley::storage
