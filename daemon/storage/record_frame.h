#ifndef DAEMON_STORAGE_RECORD_FRAME_H_
#define DAEMON_STORAGE_RECORD_FRAME_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/records.h"

// How records*.cc turn messages of protos/storage/v1 into values and back.
// Nobody else includes this.
namespace parley::storage::internal {

// Completes a value that starts with the format byte and the body.
void AppendChecksum(absl::string_view key, std::string* value);
std::string StartValue();

template <typename Proto>
std::string Seal(absl::string_view key, const Proto& proto) {
  std::string value = StartValue();
  proto.AppendToString(&value);
  AppendChecksum(key, &value);
  return value;
}

absl::Status NotAMessage(absl::string_view key);

template <typename Proto>
absl::Status Open(absl::string_view key, absl::string_view value,
                  Proto* proto) {
  const absl::StatusOr<absl::string_view> body = OpenRecord(key, value);
  if (!body.ok()) return body.status();
  if (!proto->ParseFromArray(body->data(), static_cast<int>(body->size()))) {
    return NotAMessage(key);
  }
  return absl::OkStatus();
}

// As Open, for a value whose key says a part of it.
template <typename Proto>
absl::Status OpenKeyed(absl::string_view key, absl::string_view value,
                       Proto* proto, ParsedKey* parsed) {
  std::optional<ParsedKey> parts = ParseKey(key);
  if (!parts.has_value()) return NotAMessage(key);
  *parsed = *std::move(parts);
  return Open(key, value, proto);
}

// An enum of values first..last without gaps.
template <typename Enum>
bool ReadEnum(uint32_t number, Enum first, Enum last, Enum* out) {
  if (number < static_cast<uint32_t>(first) ||
      number > static_cast<uint32_t>(last)) {
    return false;
  }
  *out = static_cast<Enum>(number);
  return true;
}
absl::Status UnknownEnum(absl::string_view key, absl::string_view field,
                         uint32_t number);

inline int64_t ToMillis(base::WallTime time) {
  return absl::ToUnixMillis(time);
}
inline base::WallTime FromMillis(int64_t millis) {
  return absl::FromUnixMillis(millis);
}

}  // namespace parley::storage::internal

#endif  // DAEMON_STORAGE_RECORD_FRAME_H_
