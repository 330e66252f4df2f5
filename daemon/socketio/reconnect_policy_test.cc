#include "daemon/socketio/reconnect_policy.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace parley::socketio {
namespace {

const absl::Duration kSpread = ReconnectPolicy::Options().spread;

// The largest of many first-to-n-th delays: close to the window they are
// drawn from.
absl::Duration LargestDelay(uint32_t attempt,
                            const ReconnectPolicy::Options& options,
                            base::Rng* rng) {
  absl::Duration largest;
  for (int i = 0; i < 1000; ++i) {
    ReconnectPolicy policy(options);
    for (uint32_t n = 0; n < attempt; ++n) policy.NextDelay(rng);
    largest = std::max(largest, policy.NextDelay(rng));
  }
  return largest;
}

TEST(ReconnectPolicy, DoublesItsWindowUpToTheCap) {
  base::Rng rng(1);
  const double windows[] = {4, 4, 4, 8, 16, 30, 30, 30};
  for (uint32_t attempt = 0; attempt < 8; ++attempt) {
    const absl::Duration largest =
        LargestDelay(attempt, ReconnectPolicy::Options(), &rng);
    EXPECT_LE(largest, absl::Seconds(windows[attempt])) << attempt;
    EXPECT_GE(largest, 0.95 * absl::Seconds(windows[attempt])) << attempt;
  }
}

// When clients come back that lose their server at the same moment, one that
// listens again after `downtime`; sorted.
std::vector<absl::Duration> ComeBack(int clients, absl::Duration downtime,
                                     base::Rng* seeds) {
  std::vector<absl::Duration> arrivals(clients);
  for (absl::Duration& arrival : arrivals) {
    base::Rng rng = seeds->Fork();
    ReconnectPolicy policy;
    do {
      arrival += policy.NextDelay(&rng);
    } while (arrival < downtime);
  }
  std::sort(arrivals.begin(), arrivals.end());
  return arrivals;
}

TEST(ReconnectPolicy, SpreadsAHerdEvenly) {
  base::Rng seeds(2);
  std::vector<int> in_tenth(10);
  for (const absl::Duration arrival :
       ComeBack(1000, absl::ZeroDuration(), &seeds)) {
    ASSERT_LE(arrival, kSpread);
    ++in_tenth[std::min<int64_t>(absl::ToInt64Milliseconds(arrival) / 400, 9)];
  }
  for (const int count : in_tenth) EXPECT_NEAR(count, 100, 45);
}

TEST(ReconnectPolicy, NoRestartBringsHalfOfAHerdWithinHalfASecond) {
  constexpr int kClients = 30;
  constexpr int kRestarts = 1000;
  base::Rng seeds(7);
  for (int tenths = 0; tenths <= 100; tenths += 5) {
    const absl::Duration downtime = tenths * absl::Milliseconds(100);
    int stampedes = 0;
    for (int restart = 0; restart < kRestarts; ++restart) {
      const auto arrivals = ComeBack(kClients, downtime, &seeds);
      // One more than half of them, as close together as they come.
      absl::Duration shortest = absl::InfiniteDuration();
      for (size_t i = kClients / 2; i < arrivals.size(); ++i) {
        shortest = std::min(shortest, arrivals[i] - arrivals[i - kClients / 2]);
      }
      if (shortest <= absl::Milliseconds(500)) ++stampedes;
    }
    EXPECT_LE(stampedes, kRestarts / 50) << downtime;
  }
}

TEST(ReconnectPolicy, TakesOtherNumbers) {
  base::Rng rng(3);
  const ReconnectPolicy::Options options{
      absl::Milliseconds(10), absl::Milliseconds(25), absl::ZeroDuration()};
  const absl::Duration first = LargestDelay(0, options, &rng);
  EXPECT_LE(first, absl::Milliseconds(10));
  EXPECT_GE(first, absl::Milliseconds(9));
  const absl::Duration later = LargestDelay(5, options, &rng);
  EXPECT_LE(later, absl::Milliseconds(25));
  EXPECT_GE(later, absl::Milliseconds(23));
}

TEST(ReconnectPolicy, MendsNumbersThatMakeNoSense) {
  base::Rng rng(4);
  const absl::Duration tiny =
      LargestDelay(3, {absl::ZeroDuration(), -absl::Seconds(1), kSpread}, &rng);
  EXPECT_LE(tiny, absl::Milliseconds(1));
  EXPECT_GT(tiny, absl::ZeroDuration());
  const absl::Duration low_cap = LargestDelay(
      3, {absl::Seconds(2), absl::Seconds(1), absl::ZeroDuration()}, &rng);
  EXPECT_LE(low_cap, absl::Seconds(2));
  EXPECT_GT(low_cap, absl::Seconds(1));
}

TEST(ReconnectPolicy, NeverEndsNorOverflows) {
  // More than a week of refused connects, answered at once.
  base::Rng rng(5);
  ReconnectPolicy policy;
  absl::Duration sum;
  constexpr uint32_t kAttempts = 100000;
  for (uint32_t i = 0; i < kAttempts; ++i) {
    const absl::Duration delay = policy.NextDelay(&rng);
    ASSERT_GE(delay, absl::ZeroDuration());
    ASSERT_LE(delay, absl::Seconds(30));
    sum += delay;
  }
  EXPECT_EQ(policy.attempt(), kAttempts);
  EXPECT_GT(sum, absl::Hours(24 * 7));
  EXPECT_NEAR(absl::ToDoubleSeconds(sum / kAttempts), 15, 0.5);
}

TEST(ReconnectPolicy, StartsAgainOnlyAfterAStableConnection) {
  base::Rng rng(6);
  ReconnectPolicy policy;
  for (int i = 0; i < 10; ++i) policy.NextDelay(&rng);
  EXPECT_EQ(policy.attempt(), 10u);
  policy.OnStable();
  EXPECT_EQ(policy.attempt(), 0u);
  EXPECT_LE(policy.NextDelay(&rng), kSpread);
  EXPECT_EQ(policy.attempt(), 1u);
}

// As the owner of a policy waits.
absl::Duration Wait(const ReconnectPolicy::Failure& failure,
                    ReconnectPolicy* policy, base::Rng* rng) {
  return ReconnectPolicy::Floor(failure) + policy->NextDelay(rng);
}

TEST(ReconnectPolicy, ARefusalWaitsAtLeastItsFloor) {
  base::Rng rng(7);
  absl::Duration smallest = absl::InfiniteDuration();
  absl::Duration largest;
  for (int i = 0; i < 1000; ++i) {
    ReconnectPolicy policy;
    const absl::Duration delay =
        Wait({/*refused=*/true, std::nullopt}, &policy, &rng);
    smallest = std::min(smallest, delay);
    largest = std::max(largest, delay);
  }
  EXPECT_GE(smallest, ReconnectPolicy::kRefusedFloor);
  EXPECT_LE(largest, ReconnectPolicy::kRefusedFloor + kSpread);
  EXPECT_GT(largest - smallest, 0.9 * kSpread) << "still a herd";
}

TEST(ReconnectPolicy, HonoursTheServersTime) {
  base::Rng rng(8);
  ReconnectPolicy policy;
  const absl::Duration asked = Wait({false, absl::Seconds(120)}, &policy, &rng);
  EXPECT_GE(asked, absl::Seconds(120));
  EXPECT_LE(asked, absl::Seconds(120) + kSpread);
  // The larger of two floors counts.
  EXPECT_GE(Wait({true, absl::Seconds(1)}, &policy, &rng),
            ReconnectPolicy::kRefusedFloor);
  EXPECT_GE(Wait({true, absl::Seconds(60)}, &policy, &rng), absl::Seconds(60));
}

TEST(ReconnectPolicy, BoundsTheServersTime) {
  base::Rng rng(9);
  for (const absl::Duration asked :
       {absl::Hours(24 * 365 * 100), absl::InfiniteDuration()}) {
    ReconnectPolicy policy;
    const absl::Duration delay = Wait({false, asked}, &policy, &rng);
    EXPECT_GE(delay, ReconnectPolicy::kMaxRetryAfter);
    EXPECT_LE(delay, ReconnectPolicy::kMaxRetryAfter + kSpread);
  }
  ReconnectPolicy policy;
  const absl::Duration delay = Wait({false, -absl::Seconds(5)}, &policy, &rng);
  EXPECT_GE(delay, absl::ZeroDuration());
  EXPECT_LE(delay, kSpread);
}

TEST(ReconnectPolicy, TheSameSeedGivesTheSameDelays) {
  base::Rng first(10);
  base::Rng second(10);
  ReconnectPolicy a;
  ReconnectPolicy b;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(a.NextDelay(&first), b.NextDelay(&second));
  }
}

}  // namespace
}  // namespace parley::socketio
