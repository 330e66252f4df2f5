#include "daemon/rpc/convert.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/rpc/convert_value.h"

namespace parley::rpc {
namespace {

v1::MessageType ToProto(model::MessageType from) {
  switch (from) {
    case model::MessageType::kText:
      return v1::MESSAGE_TYPE_TEXT;
    case model::MessageType::kFile:
      return v1::MESSAGE_TYPE_FILE;
    case model::MessageType::kImage:
      return v1::MESSAGE_TYPE_IMAGE;
    case model::MessageType::kVoice:
      return v1::MESSAGE_TYPE_VOICE;
    case model::MessageType::kSystem:
      return v1::MESSAGE_TYPE_SYSTEM;
  }
  return v1::MESSAGE_TYPE_UNSPECIFIED;
}

std::optional<model::MessageType> FromProto(v1::MessageType from) {
  switch (from) {
    case v1::MESSAGE_TYPE_UNSPECIFIED:
    case v1::MESSAGE_TYPE_TEXT:
      return model::MessageType::kText;
    case v1::MESSAGE_TYPE_FILE:
      return model::MessageType::kFile;
    case v1::MESSAGE_TYPE_IMAGE:
      return model::MessageType::kImage;
    case v1::MESSAGE_TYPE_VOICE:
      return model::MessageType::kVoice;
    case v1::MESSAGE_TYPE_SYSTEM:
      return model::MessageType::kSystem;
    default:
      return std::nullopt;
  }
}

v1::AttachmentType ToProto(model::AttachmentType from) {
  switch (from) {
    case model::AttachmentType::kFile:
      return v1::ATTACHMENT_TYPE_FILE;
    case model::AttachmentType::kImage:
      return v1::ATTACHMENT_TYPE_IMAGE;
    case model::AttachmentType::kVideo:
      return v1::ATTACHMENT_TYPE_VIDEO;
    case model::AttachmentType::kAudio:
      return v1::ATTACHMENT_TYPE_AUDIO;
    case model::AttachmentType::kCode:
      return v1::ATTACHMENT_TYPE_CODE;
  }
  return v1::ATTACHMENT_TYPE_UNSPECIFIED;
}

std::optional<model::AttachmentType> FromProto(v1::AttachmentType from) {
  switch (from) {
    case v1::ATTACHMENT_TYPE_UNSPECIFIED:
    case v1::ATTACHMENT_TYPE_FILE:
      return model::AttachmentType::kFile;
    case v1::ATTACHMENT_TYPE_IMAGE:
      return model::AttachmentType::kImage;
    case v1::ATTACHMENT_TYPE_VIDEO:
      return model::AttachmentType::kVideo;
    case v1::ATTACHMENT_TYPE_AUDIO:
      return model::AttachmentType::kAudio;
    case v1::ATTACHMENT_TYPE_CODE:
      return model::AttachmentType::kCode;
    default:
      return std::nullopt;
  }
}

v1::DeliveryState ToProto(model::DeliveryState from) {
  switch (from) {
    case model::DeliveryState::kPending:
      return v1::DELIVERY_STATE_PENDING;
    case model::DeliveryState::kSending:
      return v1::DELIVERY_STATE_SENDING;
    case model::DeliveryState::kSent:
      return v1::DELIVERY_STATE_SENT;
    case model::DeliveryState::kDelivered:
      return v1::DELIVERY_STATE_DELIVERED;
    case model::DeliveryState::kRead:
      return v1::DELIVERY_STATE_READ;
    case model::DeliveryState::kFailed:
      return v1::DELIVERY_STATE_FAILED;
  }
  return v1::DELIVERY_STATE_UNSPECIFIED;
}

v1::OutboxState ToProto(model::OutboxState from) {
  switch (from) {
    case model::OutboxState::kPending:
      return v1::OUTBOX_STATE_PENDING;
    case model::OutboxState::kSending:
      return v1::OUTBOX_STATE_SENDING;
    case model::OutboxState::kAmbiguous:
      return v1::OUTBOX_STATE_AMBIGUOUS;
    case model::OutboxState::kFailed:
      return v1::OUTBOX_STATE_FAILED;
  }
  return v1::OUTBOX_STATE_UNSPECIFIED;
}

v1::FailureReason ToProto(model::FailureReason from) {
  switch (from) {
    case model::FailureReason::kNone:
      return v1::FAILURE_REASON_UNSPECIFIED;
    case model::FailureReason::kRefused:
      return v1::FAILURE_REASON_REFUSED;
    case model::FailureReason::kTooManyFailures:
      return v1::FAILURE_REASON_TOO_MANY_FAILURES;
    case model::FailureReason::kPoison:
      return v1::FAILURE_REASON_POISON;
    case model::FailureReason::kExpired:
      return v1::FAILURE_REASON_EXPIRED;
    case model::FailureReason::kTooLarge:
      return v1::FAILURE_REASON_TOO_LARGE;
    case model::FailureReason::kHeld:
      return v1::FAILURE_REASON_HELD;
  }
  return v1::FAILURE_REASON_UNSPECIFIED;
}

v1::RoomKind ToProto(model::RoomKind from) {
  switch (from) {
    case model::RoomKind::kUnknown:
      return v1::ROOM_KIND_UNSPECIFIED;
    case model::RoomKind::kChannel:
      return v1::ROOM_KIND_CHANNEL;
    case model::RoomKind::kDirect:
      return v1::ROOM_KIND_DIRECT;
    case model::RoomKind::kGroup:
      return v1::ROOM_KIND_GROUP;
    case model::RoomKind::kThread:
      return v1::ROOM_KIND_THREAD;
    case model::RoomKind::kBroadcast:
      return v1::ROOM_KIND_BROADCAST;
  }
  return v1::ROOM_KIND_UNSPECIFIED;
}

v1::Membership ToProto(model::Membership from) {
  switch (from) {
    case model::Membership::kJoined:
      return v1::MEMBERSHIP_JOINED;
    case model::Membership::kLeaving:
      return v1::MEMBERSHIP_LEAVING;
  }
  return v1::MEMBERSHIP_UNSPECIFIED;
}

v1::JoinState ToProto(model::JoinState from) {
  switch (from) {
    case model::JoinState::kPending:
      return v1::JOIN_STATE_PENDING;
    case model::JoinState::kJoined:
      return v1::JOIN_STATE_JOINED;
    case model::JoinState::kFailed:
      return v1::JOIN_STATE_FAILED;
  }
  return v1::JOIN_STATE_UNSPECIFIED;
}

v1::SendOutcome ToProto(model::SentRecord::Outcome from) {
  switch (from) {
    case model::SentRecord::Outcome::kQueued:
      return v1::SEND_OUTCOME_QUEUED;
    case model::SentRecord::Outcome::kFailed:
      return v1::SEND_OUTCOME_FAILED;
    case model::SentRecord::Outcome::kSent:
      return v1::SEND_OUTCOME_SENT;
    case model::SentRecord::Outcome::kCancelled:
      return v1::SEND_OUTCOME_CANCELLED;
    case model::SentRecord::Outcome::kCancelledAfterSend:
      return v1::SEND_OUTCOME_POSSIBLY_SENT;
  }
  return v1::SEND_OUTCOME_UNSPECIFIED;
}

v1::CancelOutcome ToProto(model::CancelOutcome from) {
  switch (from) {
    case model::CancelOutcome::kCancelled:
      return v1::CANCEL_OUTCOME_CANCELLED;
    case model::CancelOutcome::kAlreadySent:
      return v1::CANCEL_OUTCOME_ALREADY_SENT;
    case model::CancelOutcome::kPossiblySent:
      return v1::CANCEL_OUTCOME_POSSIBLY_SENT;
  }
  return v1::CANCEL_OUTCOME_UNSPECIFIED;
}

void ToProto(const model::Attachment& from, v1::Attachment* to) {
  to->set_id(from.id);
  to->set_type(ToProto(from.type));
  to->set_name(from.name);
  to->set_url(from.url);
  to->set_mime_type(from.mime_type);
  to->set_thumbnail_url(from.thumbnail_url);
  to->set_size_bytes(ToInt64(from.size_bytes));
  to->set_width_px(ToInt32(from.width_px));
  to->set_height_px(ToInt32(from.height_px));
  to->set_duration_ms(ToInt32(from.duration_ms));
}

// The fields of a message's content stand, under the same names, in Message
// and OutboxEntry.
template <typename Proto>
void ContentToProto(const model::MessageContent& from, Proto* to) {
  to->set_thread(from.thread.value());
  to->set_reply_to(from.reply_to.value());
  to->set_type(ToProto(from.type));
  to->set_text(from.text);
  for (const model::UserId& user : from.mentions) {
    to->add_mentions(user.value());
  }
  for (const model::Attachment& attachment : from.attachments) {
    ToProto(attachment, to->add_attachments());
  }
  for (const auto& [key, value] : from.metadata) {
    (*to->mutable_metadata())[key] = value;
  }
}

absl::StatusOr<uint32_t> FromProto(absl::string_view prefix,
                                   absl::string_view field, int32_t value) {
  if (value < 0) {
    return model::InvalidField(absl::StrCat(prefix, field), "is negative");
  }
  return static_cast<uint32_t>(value);
}

absl::StatusOr<model::Attachment> FromProto(absl::string_view prefix,
                                            const v1::Attachment& from) {
  model::Attachment to;
  const auto type = FromProto(from.type());
  if (!type.has_value()) {
    return model::InvalidField(absl::StrCat(prefix, ".type"),
                               absl::StrCat(from.type(), " is no type"));
  }
  if (from.size_bytes() < 0) {
    return model::InvalidField(absl::StrCat(prefix, ".size_bytes"),
                               "is negative");
  }
  const auto width = FromProto(prefix, ".width_px", from.width_px());
  if (!width.ok()) return width.status();
  const auto height = FromProto(prefix, ".height_px", from.height_px());
  if (!height.ok()) return height.status();
  const auto duration = FromProto(prefix, ".duration_ms", from.duration_ms());
  if (!duration.ok()) return duration.status();
  to.id = from.id();
  to.type = *type;
  to.name = from.name();
  to.url = from.url();
  to.mime_type = from.mime_type();
  to.thumbnail_url = from.thumbnail_url();
  to.size_bytes = static_cast<uint64_t>(from.size_bytes());
  to.width_px = *width;
  to.height_px = *height;
  to.duration_ms = *duration;
  return to;
}

absl::StatusOr<absl::Duration> FromProto(absl::string_view field,
                                         const google::protobuf::Duration& from,
                                         absl::Duration max) {
  // Neither part can overflow, and parts of opposite signs add up.
  const absl::Duration duration =
      absl::Seconds(from.seconds()) + absl::Nanoseconds(from.nanos());
  if (duration < absl::Milliseconds(1) || duration > max) {
    return model::InvalidField(
        field, absl::StrCat("is ", absl::FormatDuration(duration),
                            "; it must be between 1ms and ",
                            absl::FormatDuration(max)));
  }
  return absl::Trunc(duration, absl::Milliseconds(1));
}

}  // namespace

void ToProto(const model::MessageView& from, v1::Message* to) {
  const model::Message& message = from.message;
  to->set_room(message.room.value());
  to->set_message_id(message.id.value());
  to->set_client_message_id(message.client_id.value());
  to->set_sender(message.sender.value());
  ContentToProto(message.content, to);
  SetTime(message.sent_at, [to] { return to->mutable_sent_at(); });
  to->set_room_seq(ToInt64(message.room_seq));
  to->set_history_era(ToInt32(message.history_era));
  if (from.delivery.has_value()) {
    to->set_delivery_state(ToProto(*from.delivery));
  }
  to->set_possible_duplicate(message.possible_duplicate);
}

void ToProto(const model::Room& from, v1::Room* to) {
  to->set_name(from.room.value());
  to->set_kind(ToProto(from.kind));
  to->set_membership(ToProto(from.membership));
  to->set_join_state(ToProto(from.join_state));
  to->set_member_count(ToInt32(from.member_count));
  SetTime(from.joined_at, [to] { return to->mutable_joined_at(); });
  to->set_last_error(from.last_error);
}

void ToProto(const model::Delivery& from, v1::Delivery* to) {
  to->set_room(from.room.value());
  to->set_client_message_id(from.client_id.value());
  to->set_message_id(from.message_id.value());
  to->set_state(ToProto(from.state));
  SetTime(from.updated_at, [to] { return to->mutable_updated_at(); });
}

void ToProto(const model::OutboxEntry& from, History history,
             v1::OutboxEntry* to) {
  to->set_client_message_id(from.client_id.value());
  to->set_room(from.room.value());
  to->set_state(ToProto(from.state));
  ContentToProto(from.content, to);
  to->set_queue_seq(ToInt64(from.seq.value()));
  SetTime(from.accepted_at, [to] { return to->mutable_accepted_at(); });
  SetTime(from.expires_at, [to] { return to->mutable_expires_at(); });
  to->set_sends(ToInt32(from.sends));
  to->set_answered_failures(ToInt32(from.answered_failures));
  to->set_poison_closes(ToInt32(from.poison_closes));
  to->set_possibly_sent(from.possibly_sent);
  to->set_possible_duplicate(from.possible_duplicate);
  to->set_failure_reason(ToProto(from.failure));
  to->set_last_error_code(from.last_error_code);
  to->set_last_error_message(from.last_error_message);
  if (history == History::kOmitted) return;
  for (const model::OutboxAttempt& attempt : from.history) {
    v1::OutboxAttempt* line = to->add_history();
    SetTime(attempt.at, [line] { return line->mutable_time(); });
    line->set_what(attempt.what);
    line->set_detail(attempt.detail);
  }
}

void ToProto(const core::MessageAccepted& from, v1::SendMessageResponse* to) {
  to->set_client_message_id(from.client_id.value());
  to->set_already_accepted(from.repeated);
  to->set_outcome(ToProto(from.outcome));
  to->set_message_id(from.message_id.value());
}

void ToProto(const core::CancelReply& from, v1::CancelMessageResponse* to) {
  to->set_outcome(ToProto(from.outcome));
  to->set_message_id(from.message_id.value());
}

void ToProto(const core::FlushReply& from, v1::FlushOutboxResponse* to) {
  to->set_queued(ToInt32(from.queued));
}

void ToProto(const core::SignOutReply& from, v1::SignOutResponse* to) {
  to->set_discarded_entries(ToInt32(from.discarded));
}

absl::StatusOr<model::MessageContent> ContentFromProto(
    const v1::SendMessageRequest& from) {
  model::MessageContent to;
  const auto type = FromProto(from.type());
  if (!type.has_value()) {
    return model::InvalidField("type",
                               absl::StrCat(from.type(), " is no type"));
  }
  to.type = *type;
  to.thread = model::ThreadId(from.thread());
  to.reply_to = model::MessageId(from.reply_to());
  to.text = from.text();
  for (const std::string& user : from.mentions()) {
    to.mentions.emplace_back(user);
  }
  for (int i = 0; i < from.attachments_size(); ++i) {
    auto attachment =
        FromProto(absl::StrCat("attachments[", i, "]"), from.attachments(i));
    if (!attachment.ok()) return attachment.status();
    to.attachments.push_back(*std::move(attachment));
  }
  to.metadata.insert(from.metadata().begin(), from.metadata().end());
  return to;
}

absl::StatusOr<absl::Duration> ExpireAfterFromProto(
    const google::protobuf::Duration& from) {
  return FromProto("expire_after", from, model::kMaxExpireAfter);
}

absl::StatusOr<absl::Duration> SyncDeadlineFromProto(
    const google::protobuf::Duration& from) {
  return FromProto("deadline", from, kMaxSyncDeadline);
}

}  // namespace parley::rpc
