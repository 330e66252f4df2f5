// The auditor can fail: each promise that is broken on purpose, outside of the
// daemon, is noticed, and as what it is.
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/sim/simulation.h"

namespace parley::sim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Not every seed comes by what is broken, and a broken thing shows in several
// ways.
std::vector<std::string> Failures(Sabotage sabotage) {
  std::vector<std::string> failures;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.sabotage = sabotage;
    const RunResult result = RunSeed(options);
    if (!result.ok()) failures.push_back(result.failure);
  }
  return failures;
}

TEST(SabotageTest, NothingIsNoticedWithout) {
  EXPECT_THAT(Failures(Sabotage::kNone), IsEmpty());
}

TEST(SabotageTest, DiskForgetsWhatWasSynced) {
  EXPECT_THAT(Failures(Sabotage::kDiskForgetsSynced),
              Contains(HasSubstr("was accepted and is lost")));
}

TEST(SabotageTest, StoreReportsCommitsThatAreNotMade) {
  EXPECT_THAT(Failures(Sabotage::kStoreReportsEarly),
              Contains(HasSubstr("a power cut would")));
}

TEST(SabotageTest, ServerForgetsRepeats) {
  EXPECT_THAT(
      Failures(Sabotage::kServerForgetsRepeats),
      Contains(HasSubstr("times in the log of a server that de-duplicates")));
}

TEST(SabotageTest, ServerIgnoresOrder) {
  EXPECT_THAT(Failures(Sabotage::kServerIgnoresOrder),
              Contains(HasSubstr("reached the log after place")));
}

TEST(SabotageTest, ServerSkipsHistory) {
  EXPECT_THAT(Failures(Sabotage::kServerSkipsHistory),
              Contains(HasSubstr("is in the server's history, and here 0")));
}

TEST(SabotageTest, NetworkSendsTwice) {
  EXPECT_THAT(Failures(Sabotage::kNetworkSendsTwice),
              Contains(HasSubstr("times in the log, and says so only")));
}

TEST(SabotageTest, ServerNeverAnswers) {
  EXPECT_THAT(Failures(Sabotage::kServerNeverAnswers),
              Contains(HasSubstr("no convergence")));
}

}  // namespace
}  // namespace parley::sim
