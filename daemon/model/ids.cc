#include "daemon/model/ids.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/model/limits.h"

namespace parley::model {
namespace {

// The number of continuation bytes after `lead`, or -1 if it cannot lead.
int ContinuationBytes(unsigned char lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  if (lead >= 0xf0 && lead <= 0xf4) return 3;
  return -1;
}

// The second byte carries the rules against overlong forms, surrogates and
// code points beyond U+10FFFF.
bool SecondByteAllowed(unsigned char lead, unsigned char second) {
  switch (lead) {
    case 0xe0:
      return second >= 0xa0;
    case 0xed:
      return second <= 0x9f;
    case 0xf0:
      return second >= 0x90;
    case 0xf4:
      return second <= 0x8f;
    default:
      return true;
  }
}

}  // namespace

bool IsValidUtf8(absl::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = ContinuationBytes(lead);
    if (more < 0 || text.size() - i - 1 < static_cast<size_t>(more)) {
      return false;
    }
    for (int k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xc0) != 0x80) return false;
      if (k == 1 && !SecondByteAllowed(lead, byte)) return false;
    }
    i += 1 + more;
  }
  return true;
}

absl::Status ValidateRoomId(absl::string_view name) {
  if (name.empty()) {
    return absl::InvalidArgumentError("the room name is empty");
  }
  if (name.size() > kMaxRoomIdBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the room name has ", name.size(), " bytes; at most ",
                     kMaxRoomIdBytes, " are allowed"));
  }
  if (name.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError("the room name has a NUL byte");
  }
  if (!IsValidUtf8(name)) {
    return absl::InvalidArgumentError("the room name is not valid UTF-8");
  }
  return absl::OkStatus();
}

absl::Status ValidateClientMessageId(absl::string_view id) {
  if (id.empty()) {
    return absl::InvalidArgumentError("the client message id is empty");
  }
  if (id.size() > kMaxClientMessageIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the client message id has ", id.size(), " bytes; at most ",
        kMaxClientMessageIdBytes, " are allowed"));
  }
  for (const char c : id) {
    if (c <= ' ' || c > '~') {
      return absl::InvalidArgumentError(
          "the client message id may have only printable ASCII characters "
          "without spaces");
    }
  }
  return absl::OkStatus();
}

ClientMessageId MakeClientMessageId(base::WallTime now, base::Rng* rng) {
  const uint64_t unix_ms =
      static_cast<uint64_t>(absl::ToUnixMillis(now)) & 0xffffffffffffu;
  const uint64_t a = rng->Next();
  const uint64_t b = rng->Next();
  return ClientMessageId(absl::StrFormat(
      "%08x-%04x-7%03x-%04x-%012x", unix_ms >> 16, unix_ms & 0xffff, a & 0xfff,
      0x8000 | ((a >> 16) & 0x3fff), b & 0xffffffffffffu));
}

}  // namespace parley::model
