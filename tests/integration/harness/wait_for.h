#ifndef TESTS_INTEGRATION_HARNESS_WAIT_FOR_H_
#define TESTS_INTEGRATION_HARNESS_WAIT_FOR_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace parley::integration {

// What a healthy run never needs, on the slowest machine.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Asks every few milliseconds until the condition holds, and returns whether
// it did in time. For what happens in other processes and tells nobody; where
// there is a stream, a file descriptor or a thread to wait for, wait for that.
bool WaitFor(absl::FunctionRef<bool()> condition,
             absl::Duration timeout = kPatience);

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_WAIT_FOR_H_
