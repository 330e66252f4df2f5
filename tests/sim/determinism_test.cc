// The same seed gives the same run, to the last byte of its trace.
#include "gtest/gtest.h"
#include "tests/sim/simulation.h"

namespace parley::sim {
namespace {

RunResult RunWithTrace(uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  options.keep = Trace::Keep::kEverything;
  return RunSeed(options);
}

TEST(DeterminismTest, SameSeedSameTrace) {
  for (uint64_t seed = 100; seed < 112; ++seed) {
    const RunResult first = RunWithTrace(seed);
    const RunResult second = RunWithTrace(seed);
    ASSERT_TRUE(first.ok()) << first.failure << "\n" << ReproduceLine(seed);
    EXPECT_GT(first.trace_lines, 500u);
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.actions, second.actions) << "seed " << seed;
    // Not EXPECT_EQ: a difference would print both.
    EXPECT_TRUE(first.trace == second.trace) << "seed " << seed;
  }
}

TEST(DeterminismTest, OtherSeedOtherTrace) {
  EXPECT_NE(RunWithTrace(1).trace_hash, RunWithTrace(2).trace_hash);
}

TEST(DeterminismTest, KeepingLessChangesNothing) {
  RunOptions options;
  options.seed = 7;
  EXPECT_EQ(RunSeed(options).trace_hash, RunWithTrace(7).trace_hash);
}

}  // namespace
}  // namespace parley::sim
