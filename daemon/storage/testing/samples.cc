#include "daemon/storage/testing/samples.h"

namespace parley::storage {

base::WallTime At(int64_t unix_ms) { return absl::FromUnixMillis(unix_ms); }

model::MessageContent FullContent() {
  model::MessageContent content;
  content.thread = model::ThreadId("thread-1");
  content.reply_to = model::MessageId("m-0");
  content.type = model::MessageType::kImage;
  content.text = "gr\xc3\xbc\xc3\x9f dich";
  content.mentions = {model::UserId("bob"), model::UserId("carol")};
  content.attachments = {
      {"file-1", model::AttachmentType::kImage, "cat.png",
       "https://files/cat.png", "image/png", "https://files/cat-small.png",
       12345, 640, 480, 0},
      {"file-2", model::AttachmentType::kAudio, "purr.ogg",
       "https://files/purr.ogg", "audio/ogg", "", 777, 0, 0, 2500}};
  content.metadata = {{"", "empty key"}, {"client", "parley"}, {"n", "1"}};
  return content;
}

model::Message FullMessage() {
  model::Message message;
  message.room = model::RoomId("general");
  message.id = model::MessageId("m-1");
  message.client_id = model::ClientMessageId("c-1");
  message.sender = model::UserId("alice");
  message.content = FullContent();
  message.sent_at = At(1772366400123);
  message.room_seq = 17;
  message.history_era = 3;
  message.possible_duplicate = true;
  message.change_seq = model::ChangeSeq(99);
  return message;
}

model::OutboxEntry FullOutboxEntry() {
  model::OutboxEntry entry;
  entry.room = model::RoomId("general");
  entry.seq = model::OutboxSeq(5);
  entry.client_id = model::ClientMessageId("c-1");
  entry.content = FullContent();
  entry.state = model::OutboxState::kFailed;
  entry.accepted_at = At(1772366400123);
  entry.expires_at = At(1772366500456);
  entry.sends = 3;
  entry.answered_failures = 2;
  entry.poison_closes = 1;
  entry.possibly_sent = true;
  entry.possible_duplicate = true;
  entry.failure = model::FailureReason::kRefused;
  entry.last_error_code = "FORBIDDEN";
  entry.last_error_message = "you may not write here";
  entry.history = {{At(1772366400200), "sent", ""},
                   {At(1772366400300), "refused", "FORBIDDEN"}};
  entry.change_seq = model::ChangeSeq(100);
  return entry;
}

model::OutboxRoom FullOutboxRoom() {
  model::OutboxRoom room;
  room.room = model::RoomId("general");
  room.next_seq = model::OutboxSeq(12);
  room.head_seq = model::OutboxSeq(8);
  room.queued = 3;
  room.failed = 2;
  room.bytes = 4096;
  return room;
}

model::SentRecord FullSentRecord() {
  model::SentRecord sent;
  sent.client_id = model::ClientMessageId("c-1");
  sent.room = model::RoomId("general");
  sent.fingerprint = 0xfedcba9876543210;
  sent.outcome = model::SentRecord::Outcome::kCancelledAfterSend;
  sent.seq = model::OutboxSeq(5);
  sent.message_id = model::MessageId("m-1");
  sent.accepted_at = At(1772366400123);
  sent.settled_at = At(1772366400456);
  return sent;
}

model::Delivery FullDelivery() {
  model::Delivery delivery;
  delivery.client_id = model::ClientMessageId("c-1");
  delivery.room = model::RoomId("general");
  delivery.message_id = model::MessageId("m-1");
  delivery.state = model::DeliveryState::kRead;
  delivery.updated_at = At(1772366400456);
  delivery.change_seq = model::ChangeSeq(101);
  return delivery;
}

model::Room FullRoom() {
  model::Room room;
  room.room = model::RoomId("general");
  room.kind = model::RoomKind::kGroup;
  room.membership = model::Membership::kLeaving;
  room.member_count = 42;
  room.joined_at = At(1772366400123);
  room.join_state = model::JoinState::kFailed;
  room.last_error = "no such room";
  room.change_seq = model::ChangeSeq(102);
  return room;
}

model::ServerCapabilities FullCapabilities() {
  model::ServerCapabilities capabilities;
  capabilities.dialect = model::Dialect::kFull;
  capabilities.protocol_version = "2.1";
  capabilities.history_epoch = "epoch-1";
  capabilities.message_ids = true;
  capabilities.deduplicates = true;
  capabilities.history = true;
  capabilities.durable_membership = true;
  capabilities.changes = true;
  capabilities.ordered_window = 16;
  capabilities.ordered_sends = true;
  capabilities.max_payload_bytes = 2000000;
  capabilities.max_text_bytes = 32768;
  capabilities.advertised = {"dedup", "history"};
  capabilities.history_era = 5;
  capabilities.learned_at = At(1772366400123);
  return capabilities;
}

model::Room MakeRoom(const std::string& name) {
  model::Room room;
  room.room = model::RoomId(name);
  return room;
}

model::OutboxEntry MakeEntry(const std::string& room, uint64_t seq,
                             const std::string& client_id) {
  model::OutboxEntry entry;
  entry.room = model::RoomId(room);
  entry.seq = model::OutboxSeq(seq);
  entry.client_id = model::ClientMessageId(client_id);
  entry.content.text = "text of " + client_id;
  entry.accepted_at = At(1772366400000);
  return entry;
}

model::Message MakeMessage(const std::string& room, const std::string& id,
                           uint64_t room_seq) {
  model::Message message;
  message.room = model::RoomId(room);
  message.id = model::MessageId(id);
  message.sender = model::UserId("bob");
  message.content.text = "text of " + id;
  message.sent_at = At(1772366400000);
  message.room_seq = room_seq;
  return message;
}

model::Message MakeEcho(const std::string& room, const std::string& client_id) {
  model::Message message;
  message.room = model::RoomId(room);
  message.client_id = model::ClientMessageId(client_id);
  message.sender = model::UserId("alice");
  message.content.text = "text of " + client_id;
  message.sent_at = At(1772366400000);
  return message;
}

model::Delivery MakeDelivery(const std::string& room,
                             const std::string& client_id) {
  model::Delivery delivery;
  delivery.client_id = model::ClientMessageId(client_id);
  delivery.room = model::RoomId(room);
  delivery.updated_at = At(1772366400000);
  return delivery;
}

model::SentRecord MakeSent(const std::string& client_id, int64_t settled_ms) {
  model::SentRecord sent;
  sent.client_id = model::ClientMessageId(client_id);
  sent.room = model::RoomId("general");
  sent.outcome = model::SentRecord::Outcome::kSent;
  sent.settled_at = At(settled_ms);
  return sent;
}

}  // namespace parley::storage
