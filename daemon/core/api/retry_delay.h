#ifndef DAEMON_CORE_API_RETRY_DELAY_H_
#define DAEMON_CORE_API_RETRY_DELAY_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "daemon/base/rng.h"

namespace parley::core {

// Before a request of a room that was refused, or not answered, is made again;
// `failures` came before this one. Half of it is drawn, so that the rooms of a
// server in trouble do not all come back at once.
inline absl::Duration RetryDelay(uint32_t failures, base::Rng* rng) {
  constexpr absl::Duration kBase = absl::Seconds(1);
  constexpr absl::Duration kCap = absl::Seconds(60);
  const absl::Duration limit =
      std::min(kCap, kBase * (int64_t{1} << std::min(failures, 6u)));
  return limit / 2 + rng->DurationUpTo(limit / 2);
}

// The same after a refusal that is meant for good: what it is refused for may
// change one day.
inline constexpr absl::Duration kRefusedRetry = absl::Minutes(5);

}  // namespace parley::core

#endif  // DAEMON_CORE_API_RETRY_DELAY_H_
