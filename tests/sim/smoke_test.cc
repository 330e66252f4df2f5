// Fifty fixed seeds of the simulation: every invariant holds, everything
// converges, every rare branch is reached, and each seed is cheap.
#include <cstdint>
#include <ctime>
#include <iostream>

#include "gtest/gtest.h"
#include "tests/sim/simulation.h"

namespace parley::sim {
namespace {

constexpr uint64_t kFirstSeed = 1;
constexpr uint64_t kSeeds = 50;

// What the fifty seeds together must come by. A name that is no longer reached
// means that they no longer test it.
constexpr const char* kMustHappen[] = {
    "cancel.already_sent",
    "cancel.cancelled",
    "cancel.possibly_sent",
    "client.IDEMPOTENCY_MISMATCH",
    "client.NOT_IN_ROOM",
    "client.OUTBOX_FULL",
    "client.STORE_FAILED",
    "client.STORE_FULL",
    "client.repeated",
    "client.signed_out",
    "device.ambiguous",
    "device.bad_token",
    "device.crash_after_commit",
    "device.crash_after_effect",
    "device.crash_before_commit",
    "device.history_compared",
    "device.kill",
    "device.network",
    "device.no_network",
    "device.no_token",
    "device.power_cut",
    "device.rebuilt",
    "device.relaxed_tail_lost",
    "device.retried",
    "device.resumed",
    "device.sent_again",
    "device.sent_again_and_kept",
    "device.short_token",
    "net.death",
    "net.half_open",
    "net.late_frame",
    "net.refused",
    "net.silent_death",
    "net.slow_connect",
    "park.expired",
    "park.held",
    "park.poison",
    "park.refused",
    "park.too_many_failures",
    "server.FORBIDDEN",
    "server.INTERNAL_ERROR",
    "server.INVALID_PAYLOAD",
    "server.OUT_OF_ORDER",
    "server.RATE_LIMITED",
    "server.history_lost",
    "server.late_append",
    "server.possible_duplicate",
    "server.restart",
    "store.commit_failed_after",
    "store.commit_failed_before",
    "store.full",
    "store.recovery_failed",
    "store.slow_commit",
    "sync.from_a_cursor",
    "sync.from_the_start",
    "watcher.fresh",
    "watcher.resumed",
};

// Of this process, not of the wall: other work on the machine does not count.
double ProcessorMs() {
  return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

TEST(SmokeTest, FiftySeeds) {
  Probes reached;
  double slowest_ms = 0;
  uint64_t slowest_seed = 0;
  uint64_t actions = 0;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    RunOptions options;
    options.seed = seed;
    const double start_ms = ProcessorMs();
    const RunResult result = RunSeed(options);
    const double took_ms = ProcessorMs() - start_ms;
    if (took_ms > slowest_ms) {
      slowest_ms = took_ms;
      slowest_seed = seed;
    }
    ASSERT_TRUE(result.ok())
        << result.trace << "seed " << seed << ": " << result.failure << "\n"
        << ReproduceLine(seed);
    reached.Add(result.probes);
    actions += result.actions;
  }
  for (const auto& [name, count] : reached.counts()) {
    std::cout << count << " " << name << "\n";
  }
  std::cout << "slowest seed " << slowest_seed << ": " << slowest_ms << " ms; "
            << actions << " actions in all\n";
  for (const char* name : kMustHappen) {
    EXPECT_GT(reached.counts().count(name), 0u) << name << " was not reached";
  }
}

}  // namespace
}  // namespace parley::sim
