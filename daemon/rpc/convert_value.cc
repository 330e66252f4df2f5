#include "daemon/rpc/convert_value.h"

#include <algorithm>
#include <limits>

namespace parley::rpc {
namespace {

// What a google.protobuf.Timestamp may hold: the years 1 to 9999.
constexpr int64_t kMinTimestampSeconds = -62135596800;
constexpr int64_t kMaxTimestampSeconds = 253402300799;

}  // namespace

int32_t ToInt32(uint64_t value) {
  return static_cast<int32_t>(
      std::min<uint64_t>(value, std::numeric_limits<int32_t>::max()));
}

int64_t ToInt64(uint64_t value) {
  return static_cast<int64_t>(
      std::min<uint64_t>(value, std::numeric_limits<int64_t>::max()));
}

void SetTimestamp(base::WallTime from, google::protobuf::Timestamp* to) {
  const int64_t seconds = absl::ToUnixSeconds(from);  // rounds down
  if (seconds < kMinTimestampSeconds) {
    to->set_seconds(kMinTimestampSeconds);
  } else if (seconds > kMaxTimestampSeconds) {
    to->set_seconds(kMaxTimestampSeconds);
  } else {
    to->set_seconds(seconds);
    to->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(from - absl::FromUnixSeconds(seconds))));
  }
}

void SetDuration(absl::Duration from, google::protobuf::Duration* to) {
  to->set_seconds(absl::IDivDuration(from, absl::Seconds(1), &from));
  to->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from)));
}

}  // namespace parley::rpc
