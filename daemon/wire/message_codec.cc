#include "daemon/wire/message_codec.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/base/json.h"
#include "daemon/base/time.h"
#include "daemon/model/limits.h"
#include "daemon/wire/field_reader.h"

namespace parley::wire {
namespace {

using nlohmann::json;

constexpr char kPossibleDuplicate[] = "possibleDuplicate";
constexpr uint64_t kMaxPixels = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMaxDurationMs = std::numeric_limits<uint32_t>::max();

std::string ReservedKey() { return std::string(model::kReservedMetadataKey); }

struct MessageTypeName {
  model::MessageType type;
  const char* name;
};
constexpr MessageTypeName kMessageTypes[] = {
    {model::MessageType::kText, "text"},
    {model::MessageType::kFile, "file"},
    {model::MessageType::kImage, "image"},
    {model::MessageType::kVoice, "voice"},
    {model::MessageType::kSystem, "system"},
};

struct AttachmentTypeName {
  model::AttachmentType type;
  const char* name;
};
constexpr AttachmentTypeName kAttachmentTypes[] = {
    {model::AttachmentType::kFile, "file"},
    {model::AttachmentType::kImage, "image"},
    {model::AttachmentType::kVideo, "video"},
    {model::AttachmentType::kAudio, "audio"},
    {model::AttachmentType::kCode, "code"},
};

template <typename Entry, size_t N, typename Type>
const char* NameOf(const Entry (&entries)[N], Type type) {
  for (const Entry& entry : entries) {
    if (entry.type == type) return entry.name;
  }
  return entries[0].name;
}

template <typename Entry, size_t N>
auto TypeOf(const Entry (&entries)[N], const std::string& name) {
  for (const Entry& entry : entries) {
    if (name == entry.name) return entry.type;
  }
  return entries[0].type;
}

void PutText(const char* name, const std::string& value, json* object) {
  if (!value.empty()) (*object)[name] = value;
}

void PutNumber(const char* name, uint64_t value, json* object) {
  if (value != 0) (*object)[name] = value;
}

json EncodeAttachment(const model::Attachment& attachment) {
  json object = {
      {"id", attachment.id},
      {"type", NameOf(kAttachmentTypes, attachment.type)},
      {"name", attachment.name},
  };
  PutText("url", attachment.url, &object);
  PutText("mimeType", attachment.mime_type, &object);
  PutText("thumbnailUrl", attachment.thumbnail_url, &object);
  PutNumber("size", attachment.size_bytes, &object);
  PutNumber("width", attachment.width_px, &object);
  PutNumber("height", attachment.height_px, &object);
  PutNumber("durationMs", attachment.duration_ms, &object);
  return object;
}

void PutExtras(const model::ClientMessageId& client_id,
               const model::MessageContent& content, json* object) {
  PutText("clientMessageId", client_id.value(), object);
  (*object)["type"] = NameOf(kMessageTypes, content.type);
  PutText("replyTo", content.reply_to.value(), object);
  if (!content.mentions.empty()) {
    json& mentions = (*object)["mentions"] = json::array();
    for (const model::UserId& user : content.mentions) {
      mentions.push_back(user.value());
    }
  }
  if (!content.attachments.empty()) {
    json& attachments = (*object)["attachments"] = json::array();
    for (const model::Attachment& attachment : content.attachments) {
      attachments.push_back(EncodeAttachment(attachment));
    }
  }
}

model::Attachment DecodeAttachment(FieldReader* reader) {
  model::Attachment attachment;
  attachment.id = reader->Name({"id"}, model::kMaxForeignIdBytes);
  attachment.type = TypeOf(kAttachmentTypes,
                           reader->Text({"type"}, model::kMaxForeignIdBytes));
  attachment.name =
      reader->Name({"name", "filename"}, model::kMaxAttachmentNameBytes);
  attachment.url = reader->Name({"url"}, model::kMaxUrlBytes);
  attachment.mime_type =
      reader->Name({"mimeType"}, model::kMaxAttachmentNameBytes);
  attachment.thumbnail_url =
      reader->Name({"thumbnailUrl"}, model::kMaxUrlBytes);
  attachment.size_bytes =
      reader->Number({"size"}, model::kMaxAttachmentSizeBytes);
  attachment.width_px =
      static_cast<uint32_t>(reader->Number({"width"}, kMaxPixels));
  attachment.height_px =
      static_cast<uint32_t>(reader->Number({"height"}, kMaxPixels));
  attachment.duration_ms =
      static_cast<uint32_t>(reader->Number({"durationMs"}, kMaxDurationMs));
  return attachment;
}

void DecodeMentions(const FieldReader& message,
                    model::MessageContent* content) {
  std::string problem;
  FieldReader reader = message.Tolerant(&problem);
  const json* mentions =
      reader.List({"mentions", "mentionedUserIds"}, model::kMaxMentions);
  for (size_t i = 0; mentions != nullptr && i < mentions->size(); ++i) {
    problem.clear();
    std::string user =
        reader.TextOf("a mention", (*mentions)[i], model::kMaxForeignIdBytes,
                      /*allow_nul=*/false);
    if (reader.ok()) content->mentions.emplace_back(std::move(user));
  }
}

void DecodeAttachments(const FieldReader& message,
                       model::MessageContent* content) {
  std::string problem;
  FieldReader reader = message.Tolerant(&problem);
  const json* attachments =
      reader.List({"attachments"}, model::kMaxAttachments);
  for (size_t i = 0; attachments != nullptr && i < attachments->size(); ++i) {
    if (!(*attachments)[i].is_object()) continue;
    problem.clear();
    FieldReader member("", (*attachments)[i], &problem);
    model::Attachment attachment = DecodeAttachment(&member);
    if (member.ok()) content->attachments.push_back(std::move(attachment));
  }
}

// `skipped` is an entry that is not the application's, or null.
void DecodeMetadata(const FieldReader& message, const json& metadata,
                    const json* skipped, model::MessageContent* content) {
  std::string problem;
  FieldReader reader = message.Tolerant(&problem);
  for (const auto& [key, value] : metadata.items()) {
    // Those that an application may send, and ours.
    if (content->metadata.size() > model::kMaxMetadataEntries) return;
    if (&value == skipped) continue;
    problem.clear();
    const std::string name =
        reader.TextOf("a key of metadata", key, model::kMaxMetadataKeyBytes,
                      /*allow_nul=*/true);
    std::string text =
        reader.TextOf("a value of metadata",
                      value.is_string() ? value : json(base::DumpJson(value)),
                      model::kMaxMetadataValueBytes, /*allow_nul=*/true);
    if (reader.ok()) content->metadata[name] = std::move(text);
  }
}

// `extras` reads what the plugin dialect's servers drop.
void DecodeFields(FieldReader* reader, FieldReader* extras,
                  model::Message* message) {
  message->room = ReadRoom(reader);
  message->id = ReadMessageId(reader);
  message->client_id = model::ClientMessageId(
      extras->Name({"clientMessageId"}, model::kMaxClientMessageIdBytes));
  message->sender = ReadUser(reader);
  message->room_seq = reader->Number({"seq"});
  const std::optional<base::WallTime> sent_at =
      reader->Time({"timestamp", "createdAt"});
  if (!sent_at.has_value()) reader->Fail("timestamp", "is missing");
  message->sent_at = sent_at.value_or(base::WallTime());

  model::MessageContent& content = message->content;
  content.text = reader->Text({"content"}, model::kMaxReceivedTextBytes);
  content.thread =
      model::ThreadId(reader->Name({"threadId"}, model::kMaxForeignIdBytes));
  content.reply_to =
      model::MessageId(extras->Name({"replyTo"}, model::kMaxForeignIdBytes));
  content.type =
      TypeOf(kMessageTypes, extras->Text({"type"}, model::kMaxForeignIdBytes));
  DecodeMentions(*extras, &content);
  DecodeAttachments(*extras, &content);
}

}  // namespace

json EncodeMessage(Placement placement, const model::RoomId& room,
                   const model::ClientMessageId& client_id,
                   const model::MessageContent& content,
                   const SendOptions& options) {
  json payload = {
      {"roomName", room.value()},
      {"channelId", room.value()},
      {"content", content.text},
      // For servers of the plugin dialect that do know it.
      {"clientMessageId", client_id.value()},
  };
  PutText("threadId", content.thread.value(), &payload);
  json metadata = json::object();
  for (const auto& [key, value] : content.metadata) metadata[key] = value;
  json reserved = json::object();
  if (options.possible_duplicate) reserved[kPossibleDuplicate] = true;
  if (placement == Placement::kMetadata) {
    PutExtras(client_id, content, &reserved);
  } else {
    PutExtras(client_id, content, &payload);
    if (options.after.has_value()) payload["after"] = options.after->value();
  }
  if (!reserved.empty()) metadata[ReservedKey()] = std::move(reserved);
  if (!metadata.empty()) payload["metadata"] = std::move(metadata);
  return payload;
}

bool DecodeMessage(Placement placement, const json& payload,
                   model::Message* message, std::string* problem) {
  FieldReader reader("", payload, problem);
  std::string ignored;
  const json* metadata = reader.Tolerant(&ignored).Object({"metadata"});
  // Somebody's own entry of that name, if it is no object of ours.
  const json* reserved = nullptr;
  if (metadata != nullptr) {
    const auto it = metadata->find(ReservedKey());
    if (it != metadata->end() && it->is_object()) reserved = &*it;
  }
  FieldReader extras = reader;
  if (reserved != nullptr) {
    FieldReader ours("metadata.parley.", *reserved, &ignored);
    message->possible_duplicate = ours.Flag({kPossibleDuplicate});
    if (placement == Placement::kMetadata) {
      extras = reader.Preferring(*reserved);
    }
  }
  DecodeFields(&reader, &extras, message);
  if (metadata != nullptr) {
    DecodeMetadata(reader, *metadata, reserved, &message->content);
  }
  return problem->empty();
}

void DecodeChange(const json& payload, MessageReceived* received) {
  std::string ignored;
  FieldReader reader("", payload, &ignored);
  received->change = reader.Number({"change", "seq"});
  received->deleted = reader.Find({"deletedAt"}) != nullptr;
}

}  // namespace parley::wire
