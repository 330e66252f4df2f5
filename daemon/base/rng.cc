#include "daemon/base/rng.h"

#include "daemon/base/check.h"

namespace parley::base {

uint64_t Rng::Next() {
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t Rng::Below(uint64_t bound) {
  PARLEY_CHECK(bound > 0);
  // Rejection keeps the distribution exactly uniform.
  const uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const uint64_t value = Next();
    if (value >= threshold) return value % bound;
  }
}

int64_t Rng::Between(int64_t low, int64_t high) {
  PARLEY_CHECK(low <= high);
  const uint64_t span =
      static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  const uint64_t offset = span == 0 ? Next() : Below(span);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

absl::Duration Rng::DurationUpTo(absl::Duration limit) {
  const int64_t limit_us = absl::ToInt64Microseconds(limit);
  if (limit_us <= 0) return absl::ZeroDuration();
  return absl::Microseconds(Between(0, limit_us));
}

}  // namespace parley::base
