#ifndef DAEMON_RPC_CONVERT_VALUE_H_
#define DAEMON_RPC_CONVERT_VALUE_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

// Numbers and times on their way into the API. Those that do not fit are moved
// to the nearest that does.
namespace parley::rpc {

int32_t ToInt32(uint64_t value);
int64_t ToInt64(uint64_t value);

void SetTimestamp(base::WallTime from, google::protobuf::Timestamp* to);
void SetDuration(absl::Duration from, google::protobuf::Duration* to);

// Makes the timestamp only when there is a time: a WallTime that was never set
// is none.
template <typename Mutable>
void SetTime(const std::optional<base::WallTime>& from, Mutable mutable_to) {
  if (from.value_or(base::WallTime()) != base::WallTime()) {
    SetTimestamp(*from, mutable_to());
  }
}

}  // namespace parley::rpc

#endif  // DAEMON_RPC_CONVERT_VALUE_H_
