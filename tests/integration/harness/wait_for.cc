#include "tests/integration/harness/wait_for.h"

#include "absl/time/clock.h"

namespace parley::integration {

bool WaitFor(absl::FunctionRef<bool()> condition, absl::Duration timeout) {
  constexpr absl::Duration kInterval = absl::Milliseconds(5);
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() >= deadline) return condition();
    absl::SleepFor(kInterval);
  }
  return true;
}

}  // namespace parley::integration
