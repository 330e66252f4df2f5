#ifndef DAEMON_MODEL_MESSAGE_H_
#define DAEMON_MODEL_MESSAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/model/ids.h"

namespace parley::model {

// A metadata key that applications may not use: under it travels what a server
// has no field for.
inline constexpr absl::string_view kReservedMetadataKey = "parley";

enum class MessageType { kText = 0, kFile, kImage, kVoice, kSystem };

enum class AttachmentType { kFile = 0, kImage, kVideo, kAudio, kCode };

// What is known of a file that a message refers to. Its bytes never pass
// through the daemon.
struct Attachment {
  std::string id;  // never empty
  AttachmentType type = AttachmentType::kFile;
  std::string name;  // never empty
  std::string url;
  std::string mime_type;
  std::string thumbnail_url;
  uint64_t size_bytes = 0;   // 0: unknown
  uint32_t width_px = 0;     // 0: unknown or not applicable
  uint32_t height_px = 0;    // 0: unknown or not applicable
  uint32_t duration_ms = 0;  // 0: unknown or not applicable

  friend bool operator==(const Attachment& a, const Attachment& b);
};

// What a sender says. It survives a round trip in every dialect, and it is
// what a repeat under the same client message id is compared by.
struct MessageContent {
  ThreadId thread;     // empty: the room itself
  MessageId reply_to;  // empty: no reply
  MessageType type = MessageType::kText;
  std::string text;
  std::vector<UserId> mentions;
  std::vector<Attachment> attachments;
  // The application's own. A value of a foreign client that is no string is
  // kept as its JSON text.
  std::map<std::string, std::string> metadata;

  friend bool operator==(const MessageContent& a, const MessageContent& b);
};

// A message of a room, as this device knows it.
struct Message {
  RoomId room;
  MessageId id;               // empty while it is only queued here
  ClientMessageId client_id;  // empty when the sender named none
  UserId sender;              // empty: a server that does not say
  MessageContent content;
  // The server's time; this device's until the server has answered.
  base::WallTime sent_at;
  // The server's gap-free position in the room; 0: the server has none.
  uint64_t room_seq = 0;
  // ServerCapabilities::history_era when the place was told: places of an
  // earlier one are before all of a later one.
  uint32_t history_era = 0;
  // It was sent again without knowing whether the first try had arrived, to a
  // server that does not de-duplicate.
  bool possible_duplicate = false;
  ChangeSeq change_seq;  // of its last change here

  friend bool operator==(const Message& a, const Message& b);
};

// INVALID_ARGUMENT (with the field) when a limit of limits.h is passed, text is
// not UTF-8, or there is nothing to send.
absl::Status ValidateContent(const MessageContent& content);

// Equal for equal (room, content), on every machine and in every version of
// this program: it is stored. 64-bit FNV-1a, so two contents that differ have
// the same one by accident once in 2^64, or when somebody wants it.
uint64_t ContentFingerprint(const RoomId& room, const MessageContent& content);

// Bytes that this content counts for against the outbox limit: those of its
// strings, and eight for each string, number and list. Never 0.
uint64_t ContentBytes(const MessageContent& content);

}  // namespace parley::model

#endif  // DAEMON_MODEL_MESSAGE_H_
