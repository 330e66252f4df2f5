#include "daemon/core/connection/quality_monitor.h"

#include "gtest/gtest.h"

namespace parley::core {
namespace {

using model::QualityLevel;

class QualityMonitorTest : public ::testing::Test {
 protected:
  void Ping() { monitor_.OnPing(++ping_, now_); }
  void Wait(absl::Duration duration) { now_ = now_ + duration; }
  // A whole round trip.
  void Sample(absl::Duration latency) {
    Ping();
    Wait(latency);
    monitor_.OnAck(ping_, now_);
  }
  QualityLevel level() const { return monitor_.status().level; }

  QualityMonitor monitor_;
  uint64_t ping_ = 0;
  base::MonotonicTime now_ = base::MonotonicTime() + absl::Hours(1);
};

TEST_F(QualityMonitorTest, IsUnknownBeforeTheFirstAnswer) {
  EXPECT_EQ(level(), QualityLevel::kUnknown);
  Ping();
  EXPECT_EQ(level(), QualityLevel::kUnknown);
  EXPECT_FALSE(monitor_.status().average_latency.has_value());
}

TEST_F(QualityMonitorTest, EachLevelBeginsWhereTheOneBeforeEnds) {
  const struct {
    absl::Duration latency;
    QualityLevel level;
  } cases[] = {
      {absl::Microseconds(99900), QualityLevel::kExcellent},
      {absl::Milliseconds(100), QualityLevel::kGood},
      {absl::Microseconds(299900), QualityLevel::kGood},
      {absl::Milliseconds(300), QualityLevel::kFair},
      {absl::Microseconds(599900), QualityLevel::kFair},
      {absl::Milliseconds(600), QualityLevel::kPoor},
  };
  for (const auto& test : cases) {
    monitor_ = QualityMonitor();
    Sample(test.latency);
    EXPECT_EQ(level(), test.level) << test.latency;
  }
}

TEST_F(QualityMonitorTest, AveragesTheLastFive) {
  for (int i = 0; i < 5; ++i) Sample(absl::Seconds(3));
  EXPECT_EQ(level(), QualityLevel::kPoor);
  for (int i = 0; i < 4; ++i) Sample(absl::Milliseconds(50));
  EXPECT_EQ(monitor_.status().average_latency, absl::Milliseconds(640));
  Sample(absl::Milliseconds(50));
  EXPECT_EQ(monitor_.status().average_latency, absl::Milliseconds(50));
  EXPECT_EQ(monitor_.status().samples, 5);
  EXPECT_EQ(level(), QualityLevel::kExcellent);
}

TEST_F(QualityMonitorTest, ALostPingCountsAsLongAsItWasWaitedFor) {
  Sample(absl::Milliseconds(20));
  Ping();
  Wait(QualityMonitor::kInterval);
  Ping();
  EXPECT_EQ(monitor_.status().lost, 1);
  EXPECT_EQ(level(), QualityLevel::kPoor);
  // Late is not twice.
  monitor_.OnAck(ping_ - 1, now_);
  EXPECT_EQ(monitor_.status().samples, 2);
}

TEST_F(QualityMonitorTest, AnAckAndAPongAreOneAnswer) {
  Ping();
  Wait(absl::Milliseconds(10));
  monitor_.OnPong(now_);
  monitor_.OnAck(ping_, now_);
  EXPECT_EQ(monitor_.status().samples, 1);
}

TEST_F(QualityMonitorTest, AnAnswerToAnotherRequestIsNone) {
  Ping();
  Wait(absl::Milliseconds(10));
  monitor_.OnAck(ping_ + 1, now_);
  EXPECT_EQ(monitor_.status().samples, 0);
  monitor_.OnAck(ping_, now_);
  EXPECT_EQ(monitor_.status().samples, 1);
}

TEST_F(QualityMonitorTest, AskNoMoreOfAServerThatNeverAnswers) {
  for (size_t i = 0; i < QualityMonitor::kPatience; ++i) {
    Ping();
    Wait(QualityMonitor::kInterval);
  }
  EXPECT_TRUE(monitor_.may_answer());
  Ping();
  EXPECT_FALSE(monitor_.may_answer());
  EXPECT_EQ(level(), QualityLevel::kUnknown);
  // Its heartbeats are what there is.
  monitor_.OnHeartbeat(now_, absl::Seconds(25));
  Wait(absl::Seconds(25) + absl::Milliseconds(350));
  monitor_.OnHeartbeat(now_, absl::Seconds(25));
  EXPECT_EQ(level(), QualityLevel::kFair);
}

TEST_F(QualityMonitorTest, OnePongThatNeverComesCostsOneSample) {
  Ping();
  monitor_.OnPong(now_);
  Ping();  // whose pong never comes
  for (size_t i = 0; i < QualityMonitor::kWindow; ++i) {
    Wait(QualityMonitor::kInterval);
    Ping();
    Wait(absl::Milliseconds(20));
    monitor_.OnPong(now_);
  }
  EXPECT_EQ(monitor_.status().lost, 0);
  EXPECT_EQ(level(), QualityLevel::kExcellent);
}

TEST_F(QualityMonitorTest, APingOutOfTurnTakesNoOtherForLost) {
  Sample(absl::Milliseconds(20));
  Ping();
  Wait(absl::Milliseconds(5));
  Ping();
  monitor_.OnAck(ping_ - 1, now_);
  monitor_.OnAck(ping_, now_);
  EXPECT_EQ(monitor_.status().lost, 0);
  EXPECT_EQ(monitor_.status().samples, 3);
}

TEST_F(QualityMonitorTest, HoldsAFewPingsAtMostHoweverLongNoneIsAnswered) {
  Sample(absl::Milliseconds(20));
  for (int i = 0; i < 1000; ++i) {
    Ping();
    Wait(QualityMonitor::kInterval);
  }
  EXPECT_TRUE(monitor_.may_answer());
  EXPECT_EQ(monitor_.status().lost, QualityMonitor::kWindow);
}

}  // namespace
}  // namespace parley::core
