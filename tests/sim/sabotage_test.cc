// The auditor can fail: each promise that is broken on purpose, outside of the
// daemon, is noticed, and as what it is.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/simulation.h"

namespace parley::sim {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// Not every seed comes by the broken part: the first of some that fails.
std::string FirstFailure(Sabotage sabotage) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.sabotage = sabotage;
    const RunResult result = RunSeed(options);
    if (!result.ok()) return result.failure;
  }
  return "nothing was noticed";
}

TEST(SabotageTest, NothingIsNoticedWithout) {
  EXPECT_EQ(FirstFailure(Sabotage::kNone), "nothing was noticed");
}

TEST(SabotageTest, DiskForgetsWhatWasSynced) {
  EXPECT_THAT(FirstFailure(Sabotage::kDiskForgetsSynced),
              AnyOf(HasSubstr("was accepted and is lost"),
                    HasSubstr("the counters of")));
}

TEST(SabotageTest, StoreReportsCommitsThatAreNotMade) {
  EXPECT_THAT(FirstFailure(Sabotage::kStoreReportsEarly),
              HasSubstr("a power cut would"));
}

TEST(SabotageTest, ServerForgetsRepeats) {
  EXPECT_THAT(FirstFailure(Sabotage::kServerForgetsRepeats),
              HasSubstr("times in the log of a server that de-duplicates"));
}

TEST(SabotageTest, ServerIgnoresOrder) {
  EXPECT_THAT(FirstFailure(Sabotage::kServerIgnoresOrder),
              HasSubstr("reached the log after place"));
}

TEST(SabotageTest, NetworkSendsTwice) {
  EXPECT_THAT(FirstFailure(Sabotage::kNetworkSendsTwice),
              HasSubstr("times in the log, and says so only"));
}

TEST(SabotageTest, ServerNeverAnswers) {
  EXPECT_THAT(FirstFailure(Sabotage::kServerNeverAnswers),
              HasSubstr("no convergence"));
}

}  // namespace
}  // namespace parley::sim
