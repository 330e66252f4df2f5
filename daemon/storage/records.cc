#include "daemon/storage/records.h"

#include <utility>

#include "daemon/storage/record_frame.h"
#include "storage/v1/message.pb.h"
#include "storage/v1/outbox.pb.h"
#include "storage/v1/room.pb.h"

// The records of objects; those of bookkeeping are in records_meta.cc.
namespace parley::storage {
namespace {

using internal::FromMillis;
using internal::OpenKeyed;
using internal::ReadEnum;
using internal::Seal;
using internal::ToMillis;
using internal::UnknownEnum;

void ToProto(const model::Attachment& from, v1::AttachmentRecord* to) {
  to->set_id(from.id);
  to->set_type(static_cast<uint32_t>(from.type));
  to->set_name(from.name);
  to->set_url(from.url);
  to->set_mime_type(from.mime_type);
  to->set_thumbnail_url(from.thumbnail_url);
  to->set_size_bytes(from.size_bytes);
  to->set_width_px(from.width_px);
  to->set_height_px(from.height_px);
  to->set_duration_ms(from.duration_ms);
}

absl::Status FromProto(absl::string_view key, const v1::AttachmentRecord& from,
                       model::Attachment* to) {
  if (!ReadEnum(from.type(), model::AttachmentType::kFile,
                model::AttachmentType::kCode, &to->type)) {
    return UnknownEnum(key, "the attachment type", from.type());
  }
  to->id = from.id();
  to->name = from.name();
  to->url = from.url();
  to->mime_type = from.mime_type();
  to->thumbnail_url = from.thumbnail_url();
  to->size_bytes = from.size_bytes();
  to->width_px = from.width_px();
  to->height_px = from.height_px();
  to->duration_ms = from.duration_ms();
  return absl::OkStatus();
}

void ToProto(const model::MessageContent& from, v1::ContentRecord* to) {
  to->set_thread(from.thread.value());
  to->set_reply_to(from.reply_to.value());
  to->set_type(static_cast<uint32_t>(from.type));
  to->set_text(from.text);
  for (const model::UserId& user : from.mentions) {
    to->add_mentions(user.value());
  }
  for (const model::Attachment& attachment : from.attachments) {
    ToProto(attachment, to->add_attachments());
  }
  for (const auto& [name, value] : from.metadata) {
    v1::MetadataRecord* metadata = to->add_metadata();
    metadata->set_key(name);
    metadata->set_value(value);
  }
}

absl::Status FromProto(absl::string_view key, const v1::ContentRecord& from,
                       model::MessageContent* to) {
  if (!ReadEnum(from.type(), model::MessageType::kText,
                model::MessageType::kSystem, &to->type)) {
    return UnknownEnum(key, "the message type", from.type());
  }
  to->thread = model::ThreadId(from.thread());
  to->reply_to = model::MessageId(from.reply_to());
  to->text = from.text();
  to->mentions.reserve(from.mentions_size());
  for (const std::string& user : from.mentions()) {
    to->mentions.emplace_back(user);
  }
  to->attachments.resize(from.attachments_size());
  for (int i = 0; i < from.attachments_size(); ++i) {
    if (absl::Status status =
            FromProto(key, from.attachments(i), &to->attachments[i]);
        !status.ok()) {
      return status;
    }
  }
  for (const v1::MetadataRecord& metadata : from.metadata()) {
    to->metadata[metadata.key()] = metadata.value();
  }
  return absl::OkStatus();
}

absl::Status ReadStates(absl::string_view key,
                        const v1::OutboxEntryRecord& from,
                        model::OutboxEntry* to) {
  if (!ReadEnum(from.state(), model::OutboxState::kPending,
                model::OutboxState::kFailed, &to->state)) {
    return UnknownEnum(key, "the state", from.state());
  }
  if (!ReadEnum(from.failure(), model::FailureReason::kNone,
                model::FailureReason::kHeld, &to->failure)) {
    return UnknownEnum(key, "the failure reason", from.failure());
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeRoom(absl::string_view key, const model::Room& room) {
  v1::RoomRecord proto;
  proto.set_kind(static_cast<uint32_t>(room.kind));
  proto.set_membership(static_cast<uint32_t>(room.membership));
  proto.set_member_count(room.member_count);
  proto.set_joined_at_ms(ToMillis(room.joined_at));
  proto.set_join_state(static_cast<uint32_t>(room.join_state));
  proto.set_last_error(room.last_error);
  proto.set_change_seq(room.change_seq.value());
  return Seal(key, proto);
}

absl::StatusOr<model::Room> DecodeRoom(absl::string_view key,
                                       absl::string_view value) {
  v1::RoomRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::Room room;
  if (!ReadEnum(proto.kind(), model::RoomKind::kUnknown,
                model::RoomKind::kBroadcast, &room.kind)) {
    return UnknownEnum(key, "the kind", proto.kind());
  }
  if (!ReadEnum(proto.membership(), model::Membership::kJoined,
                model::Membership::kLeaving, &room.membership)) {
    return UnknownEnum(key, "the membership", proto.membership());
  }
  if (!ReadEnum(proto.join_state(), model::JoinState::kPending,
                model::JoinState::kFailed, &room.join_state)) {
    return UnknownEnum(key, "the join state", proto.join_state());
  }
  room.room = std::move(parsed.room);
  room.member_count = proto.member_count();
  room.joined_at = FromMillis(proto.joined_at_ms());
  room.last_error = proto.last_error();
  room.change_seq = model::ChangeSeq(proto.change_seq());
  return room;
}

std::string EncodeOutboxRoom(absl::string_view key,
                             const model::OutboxRoom& room) {
  v1::OutboxRoomRecord proto;
  proto.set_next_seq(room.next_seq.value());
  proto.set_head_seq(room.head_seq.value());
  proto.set_queued(room.queued);
  proto.set_failed(room.failed);
  proto.set_bytes(room.bytes);
  return Seal(key, proto);
}

absl::StatusOr<model::OutboxRoom> DecodeOutboxRoom(absl::string_view key,
                                                   absl::string_view value) {
  v1::OutboxRoomRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::OutboxRoom room;
  room.room = std::move(parsed.room);
  room.next_seq = model::OutboxSeq(proto.next_seq());
  room.head_seq = model::OutboxSeq(proto.head_seq());
  room.queued = proto.queued();
  room.failed = proto.failed();
  room.bytes = proto.bytes();
  return room;
}

std::string EncodeOutboxEntry(absl::string_view key,
                              const model::OutboxEntry& entry) {
  v1::OutboxEntryRecord proto;
  proto.set_client_id(entry.client_id.value());
  ToProto(entry.content, proto.mutable_content());
  proto.set_state(static_cast<uint32_t>(entry.state));
  proto.set_accepted_at_ms(ToMillis(entry.accepted_at));
  if (entry.expires_at.has_value()) {
    proto.set_expires_at_ms(ToMillis(*entry.expires_at));
  }
  proto.set_sends(entry.sends);
  proto.set_answered_failures(entry.answered_failures);
  proto.set_poison_closes(entry.poison_closes);
  proto.set_possibly_sent(entry.possibly_sent);
  proto.set_possible_duplicate(entry.possible_duplicate);
  proto.set_failure(static_cast<uint32_t>(entry.failure));
  proto.set_last_error_code(entry.last_error_code);
  proto.set_last_error_message(entry.last_error_message);
  for (const model::OutboxAttempt& attempt : entry.history) {
    v1::AttemptRecord* record = proto.add_history();
    record->set_at_ms(ToMillis(attempt.at));
    record->set_what(attempt.what);
    record->set_detail(attempt.detail);
  }
  proto.set_change_seq(entry.change_seq.value());
  return Seal(key, proto);
}

absl::StatusOr<model::OutboxEntry> DecodeOutboxEntry(absl::string_view key,
                                                     absl::string_view value) {
  v1::OutboxEntryRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::OutboxEntry entry;
  if (absl::Status status = ReadStates(key, proto, &entry); !status.ok()) {
    return status;
  }
  if (absl::Status status = FromProto(key, proto.content(), &entry.content);
      !status.ok()) {
    return status;
  }
  entry.room = std::move(parsed.room);
  entry.seq = model::OutboxSeq(parsed.number);
  entry.client_id = model::ClientMessageId(proto.client_id());
  entry.accepted_at = FromMillis(proto.accepted_at_ms());
  if (proto.has_expires_at_ms()) {
    entry.expires_at = FromMillis(proto.expires_at_ms());
  }
  entry.sends = proto.sends();
  entry.answered_failures = proto.answered_failures();
  entry.poison_closes = proto.poison_closes();
  entry.possibly_sent = proto.possibly_sent();
  entry.possible_duplicate = proto.possible_duplicate();
  entry.last_error_code = proto.last_error_code();
  entry.last_error_message = proto.last_error_message();
  for (const v1::AttemptRecord& attempt : proto.history()) {
    entry.history.push_back(
        {FromMillis(attempt.at_ms()), attempt.what(), attempt.detail()});
  }
  entry.change_seq = model::ChangeSeq(proto.change_seq());
  return entry;
}

std::string EncodeSent(absl::string_view key, const model::SentRecord& sent) {
  v1::SentRecord proto;
  proto.set_room(sent.room.value());
  proto.set_fingerprint(sent.fingerprint);
  proto.set_outcome(static_cast<uint32_t>(sent.outcome));
  proto.set_seq(sent.seq.value());
  proto.set_message_id(sent.message_id.value());
  proto.set_accepted_at_ms(ToMillis(sent.accepted_at));
  proto.set_settled_at_ms(ToMillis(sent.settled_at));
  return Seal(key, proto);
}

absl::StatusOr<model::SentRecord> DecodeSent(absl::string_view key,
                                             absl::string_view value) {
  v1::SentRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::SentRecord sent;
  if (!ReadEnum(proto.outcome(), model::SentRecord::Outcome::kQueued,
                model::SentRecord::Outcome::kCancelledAfterSend,
                &sent.outcome)) {
    return UnknownEnum(key, "the outcome", proto.outcome());
  }
  sent.client_id = std::move(parsed.client_id);
  sent.room = model::RoomId(proto.room());
  sent.fingerprint = proto.fingerprint();
  sent.seq = model::OutboxSeq(proto.seq());
  sent.message_id = model::MessageId(proto.message_id());
  sent.accepted_at = FromMillis(proto.accepted_at_ms());
  sent.settled_at = FromMillis(proto.settled_at_ms());
  return sent;
}

std::string EncodeMessage(absl::string_view key,
                          const model::Message& message) {
  v1::MessageRecord proto;
  proto.set_id(message.id.value());
  proto.set_client_id(message.client_id.value());
  proto.set_sender(message.sender.value());
  ToProto(message.content, proto.mutable_content());
  proto.set_sent_at_ms(ToMillis(message.sent_at));
  proto.set_room_seq(message.room_seq);
  proto.set_history_era(message.history_era);
  proto.set_possible_duplicate(message.possible_duplicate);
  proto.set_change_seq(message.change_seq.value());
  return Seal(key, proto);
}

absl::StatusOr<model::Message> DecodeMessage(absl::string_view key,
                                             absl::string_view value) {
  v1::MessageRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::Message message;
  if (absl::Status status = FromProto(key, proto.content(), &message.content);
      !status.ok()) {
    return status;
  }
  message.room = std::move(parsed.room);
  message.id = model::MessageId(proto.id());
  message.client_id = model::ClientMessageId(proto.client_id());
  message.sender = model::UserId(proto.sender());
  message.sent_at = FromMillis(proto.sent_at_ms());
  message.room_seq = proto.room_seq();
  message.history_era = proto.history_era();
  message.possible_duplicate = proto.possible_duplicate();
  message.change_seq = model::ChangeSeq(proto.change_seq());
  return message;
}

std::string EncodeDelivery(absl::string_view key,
                           const model::Delivery& delivery) {
  v1::DeliveryRecord proto;
  proto.set_room(delivery.room.value());
  proto.set_message_id(delivery.message_id.value());
  proto.set_state(static_cast<uint32_t>(delivery.state));
  proto.set_updated_at_ms(ToMillis(delivery.updated_at));
  proto.set_change_seq(delivery.change_seq.value());
  return Seal(key, proto);
}

absl::StatusOr<model::Delivery> DecodeDelivery(absl::string_view key,
                                               absl::string_view value) {
  v1::DeliveryRecord proto;
  ParsedKey parsed;
  if (absl::Status status = OpenKeyed(key, value, &proto, &parsed);
      !status.ok()) {
    return status;
  }
  model::Delivery delivery;
  if (!ReadEnum(proto.state(), model::DeliveryState::kPending,
                model::DeliveryState::kFailed, &delivery.state)) {
    return UnknownEnum(key, "the state", proto.state());
  }
  delivery.client_id = std::move(parsed.client_id);
  delivery.room = model::RoomId(proto.room());
  delivery.message_id = model::MessageId(proto.message_id());
  delivery.updated_at = FromMillis(proto.updated_at_ms());
  delivery.change_seq = model::ChangeSeq(proto.change_seq());
  return delivery;
}

bool IsDeliveryOf(const model::Delivery& delivery,
                  const model::Message& message, const model::UserId& account) {
  return delivery.client_id == message.client_id &&
         delivery.room == message.room &&
         (message.sender.empty() || message.sender == account);
}

}  // namespace parley::storage
