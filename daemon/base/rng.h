#ifndef DAEMON_BASE_RNG_H_
#define DAEMON_BASE_RNG_H_

#include <cstdint>

#include "absl/time/time.h"

namespace parley::base {

// A seeded generator (SplitMix64). The same seed gives the same numbers on
// every machine and in every build, which is what lets a simulation be
// repeated; it is not for secrets. Not thread-safe.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next();

  // Uniform in [0, bound). `bound` must be positive.
  uint64_t Below(uint64_t bound);

  // Uniform in [low, high], both included.
  int64_t Between(int64_t low, int64_t high);

  // True once in `n` calls on average. `n` must be positive.
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  // Uniform in [0, limit], in whole microseconds.
  absl::Duration DurationUpTo(absl::Duration limit);

  // An independent generator, so that one consumer drawing more numbers does
  // not shift what another one draws.
  Rng Fork() { return Rng(Next()); }

 private:
  uint64_t state_;
};

}  // namespace parley::base

#endif  // DAEMON_BASE_RNG_H_
