#include "tests/sim/server_payload.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/socketio_text.h"

namespace parley::sim {
namespace {

using nlohmann::json;

constexpr int64_t kRetryAfterMs = 200;
constexpr size_t kMaxIdBytes = 255;
constexpr size_t kMaxClientIdBytes = 128;
constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxMentions = 100;
constexpr size_t kMaxAttachments = 32;
constexpr size_t kMaxMetadataEntries = 64;
constexpr size_t kMaxMetadataKeyBytes = 128;
constexpr size_t kMaxMetadataValueBytes = 4096;
constexpr size_t kMaxDeviceIdBytes = 128;
constexpr size_t kMaxEmojiBytes = 64;
constexpr int64_t kMaxVersion = (int64_t{1} << 53) - 1;

bool IsPrintable(const std::string& text, size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

// Reads members one by one; the first problem is kept, and ends it all.
class Reader {
 public:
  explicit Reader(const json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  const std::optional<Refusal>& refusal() const { return refusal_; }

  void Fail(absl::string_view field, absl::string_view problem) {
    if (refusal_.has_value()) return;
    refusal_ = InvalidPayload(absl::StrCat(prefix_, field), problem);
  }
  void Refuse(Refusal refusal) {
    if (!refusal_.has_value()) refusal_ = std::move(refusal);
  }
  void Adopt(const Reader& inner) {
    if (!refusal_.has_value()) refusal_ = inner.refusal_;
  }

  // Null where the member is absent or null.
  const json& Take(const char* name) const { return Member(object_, name); }

  bool IsText(const json& value, const std::string& field, size_t max_bytes,
              bool allow_nul = false, bool allow_empty = false) {
    if (!value.is_string()) {
      Fail(field, "must be a string");
      return false;
    }
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty() && !allow_empty) {
      Fail(field, "must not be empty");
    } else if (!allow_nul && text.find('\0') != std::string::npos) {
      Fail(field, "must not contain NUL");
    } else if (text.size() > max_bytes) {
      Fail(field, absl::StrCat("is longer than ", max_bytes, " bytes"));
    }
    return !refusal_.has_value();
  }

  void OptionalText(const char* name, size_t max_bytes, json* out) {
    const json& value = Take(name);
    if (value.is_null()) return;
    if (IsText(value, name, max_bytes)) (*out)[name] = value;
  }

  std::string OptionalClientId(const char* name) {
    const json& value = Take(name);
    if (value.is_null()) return "";
    std::string text = value.is_string() ? value.get<std::string>() : "";
    if (!IsPrintable(text, kMaxClientIdBytes)) {
      Fail(name, "must be 1 to 128 bytes of printable ASCII");
    }
    return text;
  }

  template <size_t N>
  void OneOf(const json& value, const std::string& field,
             const std::array<const char*, N>& allowed) {
    const bool found =
        value.is_string() &&
        std::any_of(allowed.begin(), allowed.end(), [&value](const char* name) {
          return value.get_ref<const std::string&>() == name;
        });
    if (!found) Fail(field, "is none of the allowed values");
  }

 private:
  const json& object_;
  const std::string prefix_;  // of the fields' names
  std::optional<Refusal> refusal_;
};

constexpr std::array<const char*, 5> kMessageTypes = {"text", "file", "image",
                                                      "voice", "system"};
constexpr std::array<const char*, 5> kAttachmentTypes = {
    "file", "image", "video", "audio", "code"};

void ReadMentions(Reader* reader, json* out) {
  const json& list = reader->Take("mentions");
  if (list.is_null()) return;
  if (!list.is_array()) return reader->Fail("mentions", "must be a list");
  if (list.size() > kMaxMentions) {
    return reader->Fail("mentions", "has more than 100 entries");
  }
  for (const json& user : list) {
    if (!reader->IsText(user, "mentions", kMaxIdBytes)) return;
  }
  if (!list.empty()) (*out)["mentions"] = list;
}

json ReadAttachment(const json& value, Reader* outer) {
  if (!value.is_object()) {
    outer->Fail("attachments", "must be an object");
    return {};
  }
  Reader reader(value, "attachments.");
  json clean = json::object();
  const std::array<std::pair<const char*, size_t>, 2> required = {
      {{"id", kMaxIdBytes}, {"name", kMaxIdBytes}}};
  for (const auto& [name, max_bytes] : required) {
    if (reader.IsText(reader.Take(name), name, max_bytes)) {
      clean[name] = reader.Take(name);
    }
  }
  reader.OneOf(reader.Take("type"), "type", kAttachmentTypes);
  clean["type"] = reader.Take("type");
  reader.OptionalText("url", kMaxUrlBytes, &clean);
  reader.OptionalText("thumbnailUrl", kMaxUrlBytes, &clean);
  reader.OptionalText("mimeType", kMaxIdBytes, &clean);
  for (const char* name : {"size", "width", "height", "durationMs"}) {
    const json& number = reader.Take(name);
    if (number.is_null()) continue;
    const bool whole =
        number.is_number_unsigned() ||
        (number.is_number_integer() && number.get<int64_t>() >= 0);
    if (!whole) reader.Fail(name, "must be an integer from 0");
    clean[name] = number;
  }
  outer->Adopt(reader);
  return clean;
}

void ReadAttachments(Reader* reader, json* out) {
  const json& list = reader->Take("attachments");
  if (list.is_null()) return;
  if (!list.is_array()) return reader->Fail("attachments", "must be a list");
  if (list.size() > kMaxAttachments) {
    return reader->Fail("attachments", "has more than 32 entries");
  }
  json clean = json::array();
  for (const json& entry : list) clean.push_back(ReadAttachment(entry, reader));
  if (!clean.empty()) (*out)["attachments"] = clean;
}

void ReadMetadata(Reader* reader, json* out) {
  const json& object = reader->Take("metadata");
  if (object.is_null()) return;
  if (!object.is_object()) return reader->Fail("metadata", "must be an object");
  if (object.size() > kMaxMetadataEntries) {
    return reader->Fail("metadata", "has more than 64 entries");
  }
  for (const auto& [key, value] : object.items()) {
    if (key.size() > kMaxMetadataKeyBytes) {
      return reader->Fail("metadata", "has a key longer than 128 bytes");
    }
    const std::string text =
        value.is_string() ? value.get<std::string>() : value.dump();
    if (text.size() > kMaxMetadataValueBytes) {
      return reader->Fail("metadata", "has a value longer than 4096 bytes");
    }
  }
  if (!object.empty()) (*out)["metadata"] = object;
}

// The members of a message that an edit says anew.
void ReadBody(Reader* reader, size_t max_message_bytes, json* out) {
  const json& text = reader->Take("content");
  if (reader->IsText(text, "content", SIZE_MAX, /*allow_nul=*/true,
                     /*allow_empty=*/true)) {
    if (text.get_ref<const std::string&>().size() > max_message_bytes) {
      reader->Refuse({"MESSAGE_TOO_LARGE", "content is too long", std::nullopt,
                      json{{"maxMessageBytes", max_message_bytes}}});
    }
    (*out)["content"] = text;
  }
  ReadMentions(reader, out);
  ReadAttachments(reader, out);
  ReadMetadata(reader, out);
  if (TextMember(*out, "content").empty() && !out->contains("attachments")) {
    reader->Fail("content", "must not be empty without attachments");
  }
}

void ReadActionTime(Reader* reader, ChangeRequest* request) {
  const json& time = reader->Take("actionTime");
  request->action_time = time.is_string() ? time.get<std::string>() : "";
  if (!ParseWireTime(request->action_time).has_value()) {
    reader->Fail("actionTime", "must be a time");
  }
  const json& version = reader->Take("ifVersion");
  if (version.is_null()) return;
  const int64_t number =
      version.is_number_integer() ? version.get<int64_t>() : 0;
  if (number < 1 || number > kMaxVersion) {
    return reader->Fail("ifVersion", "must be an integer from 1");
  }
  request->if_version = static_cast<uint64_t>(number);
}

}  // namespace

std::string WireTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::optional<absl::Time> ParseWireTime(const std::string& text) {
  absl::Time time;
  // What is not written exactly so, a 30th of February too, is another text.
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ||
      WireTime(time) != text) {
    return std::nullopt;
  }
  return time;
}

std::string DeviceIdOf(const json& auth) {
  const std::string id = TextMember(Member(auth, "device"), "id");
  return IsPrintable(id, kMaxDeviceIdBytes) ? id : "";
}

Refusal InvalidPayload(absl::string_view field, absl::string_view problem) {
  Refusal refusal;
  refusal.code = "INVALID_PAYLOAD";
  refusal.message = absl::StrCat(field, " ", problem);
  refusal.details = json{{"field", std::string(field)}};
  return refusal;
}

json RefusalAnswer(const Refusal& refusal) {
  json error = {{"code", refusal.code}, {"message", refusal.message}};
  if (refusal.retry_after_ms.has_value()) {
    error["retryAfterMs"] = *refusal.retry_after_ms;
  }
  if (!refusal.details.is_null()) error["details"] = refusal.details;
  return {{"success", false}, {"error", error}};
}

json Refused(const char* code, absl::string_view message, json details) {
  Refusal refusal{code, std::string(message), std::nullopt, std::move(details)};
  if (refusal.code == "RATE_LIMITED") refusal.retry_after_ms = kRetryAfterMs;
  return RefusalAnswer(refusal);
}

json ContentOf(const json& event) {
  json content = json::object();
  for (const char* name : {"roomName", "content", "type", "threadId", "replyTo",
                           "mentions", "attachments", "metadata"}) {
    if (event.contains(name)) content[name] = event[name];
  }
  return content;
}

json SuccessAnswer(const json& data) {
  json answer = {{"success", true}};
  if (!data.is_null()) answer["data"] = data;
  return answer;
}

std::variant<std::string, Refusal> ReadRoomName(const json& payload) {
  if (!payload.is_object())
    return InvalidPayload("payload", "must be an object");
  Reader reader(payload);
  const json& name = reader.Take("roomName");
  if (!reader.IsText(name, "roomName", kMaxIdBytes)) return *reader.refusal();
  return name.get<std::string>();
}

std::variant<SendRequest, Refusal> ReadSend(const json& payload,
                                            size_t max_message_bytes) {
  if (!payload.is_object())
    return InvalidPayload("payload", "must be an object");
  Reader reader(payload);
  SendRequest request;
  json& content = request.content = json::object();
  // An old client names the room by `channelId`.
  const bool old_name = !payload.contains("roomName");
  const json& room = reader.Take(old_name ? "channelId" : "roomName");
  if (reader.IsText(room, "roomName", kMaxIdBytes)) {
    request.room = room.get<std::string>();
    content["roomName"] = room;
  }
  const json& type = reader.Take("type");
  if (!type.is_null()) reader.OneOf(type, "type", kMessageTypes);
  content["type"] = type.is_null() ? json("text") : type;
  reader.OptionalText("threadId", kMaxIdBytes, &content);
  reader.OptionalText("replyTo", kMaxIdBytes, &content);
  ReadBody(&reader, max_message_bytes, &content);
  request.client_id = reader.OptionalClientId("clientMessageId");
  const std::string after = reader.OptionalClientId("after");
  if (!after.empty()) request.after = after;
  if (reader.refusal().has_value()) return *reader.refusal();
  return request;
}

std::variant<ChangeRequest, Refusal> ReadChange(const std::string& event,
                                                const json& payload,
                                                size_t max_message_bytes) {
  if (!payload.is_object())
    return InvalidPayload("payload", "must be an object");
  Reader reader(payload);
  ChangeRequest request;
  for (const char* name : {"roomName", "messageId"}) {
    reader.IsText(reader.Take(name), name, kMaxIdBytes);
  }
  if (event == "message:edit") {
    request.body = json::object();
    ReadBody(&reader, max_message_bytes, &request.body);
  }
  if (event == "message:edit" || event == "message:delete") {
    ReadActionTime(&reader, &request);
  } else {
    reader.IsText(reader.Take("emoji"), "emoji", kMaxEmojiBytes);
  }
  if (reader.refusal().has_value()) return *reader.refusal();
  request.room = TextMember(payload, "roomName");
  request.message_id = TextMember(payload, "messageId");
  request.emoji = TextMember(payload, "emoji");
  return request;
}

}  // namespace parley::sim
