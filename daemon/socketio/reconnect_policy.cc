#include "daemon/socketio/reconnect_policy.h"

#include <algorithm>
#include <limits>

namespace parley::socketio {
namespace {

// min(cap, base * 2^exponent), without a power that overflows.
absl::Duration Window(absl::Duration base, absl::Duration cap,
                      uint32_t exponent) {
  absl::Duration window = base;
  for (; exponent > 0 && window < cap; --exponent) window *= 2;
  return std::min(window, cap);
}

}  // namespace

ReconnectPolicy::ReconnectPolicy(const Options& options)
    : base_(std::max(options.base, absl::Milliseconds(1))),
      cap_(std::max(options.cap, base_)),
      spread_(std::min(options.spread, cap_)) {}

absl::Duration ReconnectPolicy::Floor(const Failure& failure) {
  absl::Duration floor = failure.refused ? kRefusedFloor : absl::ZeroDuration();
  if (failure.retry_after.has_value()) {
    floor = std::max(floor, std::min(*failure.retry_after, kMaxRetryAfter));
  }
  return floor;
}

absl::Duration ReconnectPolicy::NextDelay(base::Rng* rng) {
  const absl::Duration window =
      std::max(spread_, Window(base_, cap_, attempt_));
  if (attempt_ < std::numeric_limits<uint32_t>::max()) ++attempt_;
  return rng->DurationUpTo(window);
}

}  // namespace parley::socketio
