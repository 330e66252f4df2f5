#ifndef DAEMON_SOCKETIO_RECONNECT_POLICY_H_
#define DAEMON_SOCKETIO_RECONNECT_POLICY_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "daemon/base/rng.h"

namespace parley::socketio {

// How long to wait before the next attempt to connect: exponential, with full
// jitter, without an end.
//
// The n-th delay is uniform over [0, min(cap, max(spread, base * 2^n))]. The
// spread is for the server: when it restarts, all its clients lose it at once,
// and must not come back at once. Over 4 s, of 30 clients more than half come
// in the same 500 ms in less than one restart of a hundred, however long it
// takes; over the base of 1 s, in nearly all of them.
//
// A server that turned the connection away, or named a time, sets a floor below
// the jitter rather than instead of it: nobody comes earlier than asked, and
// still not all at once. With several servers a floor concerns one of them, so
// the owner adds it.
//
// Deterministic: randomness comes in. Not thread-safe.
class ReconnectPolicy {
 public:
  struct Options {
    absl::Duration base = absl::Seconds(1);
    absl::Duration cap = absl::Seconds(30);
    absl::Duration spread = absl::Seconds(4);
  };

  struct Failure {
    // The server turned the connection away, or ended it, on purpose: trying
    // again at once is pointless, and looks like an attack.
    bool refused = false;
    // What the server asked for, for example in Retry-After.
    std::optional<absl::Duration> retry_after;
  };

  // A connection that lived this long was a success. One that is lost earlier
  // does not reset the policy, or a server that accepts and drops would be
  // asked once a second for ever.
  static constexpr absl::Duration kStablePeriod = absl::Seconds(10);
  static constexpr absl::Duration kRefusedFloor = absl::Seconds(5);
  // A server that asks for more is asked again after this all the same: its
  // clock or its operator may be wrong, and nobody would repair the daemon.
  static constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);

  ReconnectPolicy() : ReconnectPolicy(Options()) {}
  // A base below a millisecond is raised to one, a cap below the base to it; a
  // spread above the cap is lowered to it.
  explicit ReconnectPolicy(const Options& options);

  // No attempt is made by itself before this has passed, whatever changes
  // meanwhile. A person's wish goes before a refusal's floor, but not before
  // the server's own.
  static absl::Duration Floor(const Failure& failure);
  // The delay before the next attempt, above every floor; counts it.
  absl::Duration NextDelay(base::Rng* rng);

  // The connection has lived for kStablePeriod (the owner's timer says so).
  void OnStable() { attempt_ = 0; }

  // Delays given since the last OnStable.
  uint32_t attempt() const { return attempt_; }

 private:
  const absl::Duration base_;
  const absl::Duration cap_;
  const absl::Duration spread_;
  uint32_t attempt_ = 0;
};

}  // namespace parley::socketio

#endif  // DAEMON_SOCKETIO_RECONNECT_POLICY_H_
