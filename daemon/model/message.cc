#include "daemon/model/message.h"

#include <cstddef>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"

namespace parley::model {
namespace {

// Feeds `out` one unambiguous byte string of the content: every string is led
// by its length and every list by its count, as eight bytes, least significant
// first, like every number. Stored fingerprints depend on it: it never changes.
// A new field is added at the end, and only when it is not at its default.
template <typename Out>
class Serializer {
 public:
  explicit Serializer(Out* out) : out_(out) {}

  void Number(uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) {
      out_->Byte(static_cast<uint8_t>(value >> shift));
    }
  }
  void String(absl::string_view text) {
    Number(text.size());
    for (const char c : text) out_->Byte(static_cast<uint8_t>(c));
  }
  void Content(const MessageContent& content) {
    String(content.thread.value());
    String(content.reply_to.value());
    Number(static_cast<uint64_t>(content.type));
    String(content.text);
    Number(content.mentions.size());
    for (const UserId& user : content.mentions) String(user.value());
    Number(content.attachments.size());
    for (const Attachment& attachment : content.attachments) {
      One(attachment);
    }
    Number(content.metadata.size());
    for (const auto& [key, value] : content.metadata) {
      String(key);
      String(value);
    }
  }

 private:
  void One(const Attachment& attachment) {
    String(attachment.id);
    Number(static_cast<uint64_t>(attachment.type));
    String(attachment.name);
    String(attachment.url);
    String(attachment.mime_type);
    String(attachment.thumbnail_url);
    Number(attachment.size_bytes);
    Number(attachment.width_px);
    Number(attachment.height_px);
    Number(attachment.duration_ms);
  }

  Out* out_;
};

struct Fnv1a {
  uint64_t hash = 0xcbf29ce484222325u;
  void Byte(uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3u; }
};

struct ByteCounter {
  uint64_t bytes = 0;
  void Byte(uint8_t) { ++bytes; }
};

absl::Status CheckText(absl::string_view field, absl::string_view value,
                       size_t max_bytes) {
  if (value.size() > max_bytes) {
    return InvalidField(
        field, absl::StrCat("has ", value.size(), " bytes; at most ", max_bytes,
                            " are allowed"));
  }
  if (!IsValidUtf8(value)) return InvalidField(field, "is not valid UTF-8");
  return absl::OkStatus();
}

// Names end up as keys of databases, not all of which take a NUL.
absl::Status CheckName(absl::string_view field, absl::string_view value,
                       size_t max_bytes) {
  if (value.find('\0') != absl::string_view::npos) {
    return InvalidField(field, "has a NUL byte");
  }
  return CheckText(field, value, max_bytes);
}

absl::Status CheckCount(absl::string_view field, size_t count,
                        size_t max_count) {
  if (count <= max_count) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("has ", count, " entries; at most ",
                                          max_count, " are allowed"));
}

absl::Status CheckAttachment(const std::string& field,
                             const Attachment& attachment) {
  const std::tuple<absl::string_view, const std::string&, size_t> parts[] = {
      {".id", attachment.id, kMaxForeignIdBytes},
      {".name", attachment.name, kMaxAttachmentNameBytes},
      {".url", attachment.url, kMaxUrlBytes},
      {".mime_type", attachment.mime_type, kMaxAttachmentNameBytes},
      {".thumbnail_url", attachment.thumbnail_url, kMaxUrlBytes},
  };
  for (const auto& [name, value, max_bytes] : parts) {
    absl::Status status =
        CheckName(absl::StrCat(field, name), value, max_bytes);
    if (!status.ok()) return status;
  }
  // Servers refuse an attachment without these.
  if (attachment.id.empty()) {
    return InvalidField(absl::StrCat(field, ".id"), "is empty");
  }
  if (attachment.name.empty()) {
    return InvalidField(absl::StrCat(field, ".name"), "is empty");
  }
  if (attachment.size_bytes > kMaxAttachmentSizeBytes) {
    return InvalidField(absl::StrCat(field, ".size_bytes"),
                        absl::StrCat("is ", attachment.size_bytes, "; at most ",
                                     kMaxAttachmentSizeBytes, " is allowed"));
  }
  return absl::OkStatus();
}

absl::Status CheckMetadata(const MessageContent& content) {
  absl::Status status =
      CheckCount("metadata", content.metadata.size(), kMaxMetadataEntries);
  if (!status.ok()) return status;
  for (const auto& [key, value] : content.metadata) {
    if (key.empty()) return InvalidField("metadata", "has an empty key");
    status = CheckName("metadata", key, kMaxMetadataKeyBytes);
    if (!status.ok()) return status;
    if (key == kReservedMetadataKey) {
      return InvalidField("metadata",
                          absl::StrCat("the key \"", kReservedMetadataKey,
                                       "\" is reserved; choose another"));
    }
    status = CheckText(absl::StrCat("metadata[\"", key, "\"]"), value,
                       kMaxMetadataValueBytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

bool operator==(const Attachment& a, const Attachment& b) {
  const auto key = [](const Attachment& x) {
    return std::tie(x.id, x.type, x.name, x.url, x.mime_type, x.thumbnail_url,
                    x.size_bytes, x.width_px, x.height_px, x.duration_ms);
  };
  return key(a) == key(b);
}

bool operator==(const MessageContent& a, const MessageContent& b) {
  const auto key = [](const MessageContent& x) {
    return std::tie(x.thread, x.reply_to, x.type, x.text, x.mentions,
                    x.attachments, x.metadata);
  };
  return key(a) == key(b);
}

bool operator==(const Message& a, const Message& b) {
  const auto key = [](const Message& x) {
    return std::tie(x.room, x.id, x.client_id, x.sender, x.content, x.sent_at,
                    x.room_seq, x.history_era, x.possible_duplicate,
                    x.change_seq);
  };
  return key(a) == key(b);
}

absl::Status ValidateContent(const MessageContent& content) {
  absl::Status status =
      CheckName("thread", content.thread.value(), kMaxForeignIdBytes);
  if (!status.ok()) return status;
  status = CheckName("reply_to", content.reply_to.value(), kMaxForeignIdBytes);
  if (!status.ok()) return status;
  status = CheckText("text", content.text, kMaxTextBytes);
  if (!status.ok()) return status;
  if (content.text.empty() && content.attachments.empty()) {
    return InvalidField("text", "is empty, and there is no attachment");
  }
  status = CheckCount("mentions", content.mentions.size(), kMaxMentions);
  if (!status.ok()) return status;
  for (size_t i = 0; i < content.mentions.size(); ++i) {
    const std::string field = absl::StrCat("mentions[", i, "]");
    const std::string& user = content.mentions[i].value();
    if (user.empty()) return InvalidField(field, "is empty");
    status = CheckName(field, user, kMaxForeignIdBytes);
    if (!status.ok()) return status;
  }
  status =
      CheckCount("attachments", content.attachments.size(), kMaxAttachments);
  if (!status.ok()) return status;
  for (size_t i = 0; i < content.attachments.size(); ++i) {
    status = CheckAttachment(absl::StrCat("attachments[", i, "]"),
                             content.attachments[i]);
    if (!status.ok()) return status;
  }
  return CheckMetadata(content);
}

uint64_t ContentFingerprint(const RoomId& room, const MessageContent& content) {
  Fnv1a fnv;
  Serializer<Fnv1a> serializer(&fnv);
  serializer.String(room.value());
  serializer.Content(content);
  return fnv.hash;
}

uint64_t ContentBytes(const MessageContent& content) {
  ByteCounter counter;
  Serializer<ByteCounter>(&counter).Content(content);
  return counter.bytes;
}

}  // namespace parley::model
