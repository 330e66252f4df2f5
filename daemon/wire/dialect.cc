#include "daemon/wire/dialect.h"

#include <algorithm>
#include <initializer_list>

#include "daemon/base/json.h"
#include "daemon/model/limits.h"
#include "daemon/wire/event_names.h"
#include "daemon/wire/full_dialect.h"
#include "daemon/wire/plugin_dialect.h"

namespace parley::wire {
namespace {

// "42" with an ack id of 64 bits, the event's name, and every member name and
// value that is no string of the content's, in the longer dialect.
constexpr size_t kFrameOverhead = 512;
// An attachment's member names, its type and four numbers of 64 bits.
constexpr size_t kAttachmentOverhead = 256;
// Two quotes and a comma.
constexpr size_t kListOverhead = 3;
// Four quotes, a colon and a comma.
constexpr size_t kMemberOverhead = 6;

// At most what `text` becomes between the quotes of JSON.
size_t EscapedBytes(absl::string_view text) {
  // Each broken byte becomes a U+FFFD of three bytes.
  const size_t high = model::IsValidUtf8(text) ? 1 : 3;
  size_t bytes = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x80) {
      bytes += high;
    } else if (byte < 0x20) {
      bytes += 6;
    } else {
      bytes += c == '"' || c == '\\' ? 2 : 1;
    }
  }
  return bytes;
}

}  // namespace

const Dialect& DialectFor(model::Dialect kind) {
  // Never destroyed: references to them live for ever.
  static const auto* const full = new FullDialect;
  static const auto* const plugin = new PluginDialect;
  if (kind == model::Dialect::kFull) return *full;
  return *plugin;
}

size_t MaxSendFrameBytes(const model::RoomId& room,
                         const model::ClientMessageId& client_id,
                         const model::MessageContent& content) {
  // `after` is somebody else's id: the longest, of characters to be escaped.
  size_t bytes = kFrameOverhead + 2 * model::kMaxClientMessageIdBytes;
  // Both are there twice.
  bytes += 2 * EscapedBytes(room.value());
  bytes += 2 * EscapedBytes(client_id.value());
  bytes += EscapedBytes(content.thread.value());
  bytes += EscapedBytes(content.reply_to.value());
  bytes += EscapedBytes(content.text);
  for (const model::UserId& user : content.mentions) {
    bytes += kListOverhead + EscapedBytes(user.value());
  }
  for (const model::Attachment& attachment : content.attachments) {
    bytes += kAttachmentOverhead;
    for (const std::string* text :
         {&attachment.id, &attachment.name, &attachment.url,
          &attachment.mime_type, &attachment.thumbnail_url}) {
      bytes += EscapedBytes(*text);
    }
  }
  for (const auto& [key, value] : content.metadata) {
    bytes += kMemberOverhead + EscapedBytes(key) + EscapedBytes(value);
  }
  return bytes;
}

Request EncodePing() { return {kPingRequest, nlohmann::json::object()}; }

Request EncodeAuthRefresh(absl::string_view token) {
  return {kAuthRefreshRequest, {{"token", std::string(token)}}};
}

std::string EncodeAuth(absl::string_view token, const DeviceInfo& device) {
  nlohmann::json info;
  const auto add = [&info](const char* name, std::string value) {
    // A NUL here has been seen to end a server's process.
    value.erase(std::remove(value.begin(), value.end(), '\0'), value.end());
    if (!value.empty()) info[name] = std::move(value);
  };
  add("type", device.type);
  add("os", device.os);
  add("app", device.app);
  add("version", device.app_version);
  return base::DumpJson(
      {{"token", std::string(token)}, {"device", std::move(info)}});
}

}  // namespace parley::wire
