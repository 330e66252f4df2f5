#include "daemon/core/step_executor.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeCommits : public CommitPort {
 public:
  void Submit(CommitRequest request) override {
    requests.push_back(std::move(request));
  }
  std::vector<CommitRequest> requests;
};

// Remembers the texts of Log effects: one distinguishable effect is enough.
class FakeSink : public EffectSink {
 public:
  void Perform(EffectBody effect) override {
    told.push_back(std::get<Log>(effect).text);
  }
  std::vector<std::string> told;
};

class StepExecutorTest : public ::testing::Test {
 protected:
  // A step that writes (unless `durability` is empty) and tells two things:
  // "<name>!" at once, "<name>" once it is true.
  Step MakeStep(const std::string& name,
                std::optional<storage::Durability> durability) {
    Step step;
    if (durability.has_value()) {
      step.transaction.writes.push_back({name, "value"});
      step.transaction.durability = *durability;
      ++last_transaction_;
    }
    step.transaction_number = last_transaction_;
    step.effects.push_back(
        {Log{Log::Severity::kInfo, name + "!"}, Release::kNow});
    step.effects.push_back(
        {Log{Log::Severity::kInfo, name}, Release::kAfterCommit});
    return step;
  }

  FakeCommits commits_;
  FakeSink sink_;
  StepExecutor executor_{&commits_, &sink_};
  uint64_t last_transaction_ = 0;
};

TEST_F(StepExecutorTest, APromiseWaitsForItsCommit) {
  executor_.Execute(MakeStep("a", storage::Durability::kSync));
  EXPECT_THAT(sink_.told, ElementsAre("a!"));
  ASSERT_THAT(commits_.requests, SizeIs(1));
  executor_.OnCommitted(commits_.requests[0].commit);
  EXPECT_THAT(sink_.told, ElementsAre("a!", "a"));
}

TEST_F(StepExecutorTest, WithoutAnUnfinishedWriteNothingWaits) {
  executor_.Execute(MakeStep("a", std::nullopt));
  EXPECT_THAT(sink_.told, ElementsAre("a!", "a"));
  EXPECT_THAT(commits_.requests, IsEmpty());
}

TEST_F(StepExecutorTest, AStepThatFollowsAnUnfinishedWriteWaitsWithIt) {
  executor_.Execute(MakeStep("a", storage::Durability::kSync));
  executor_.Execute(MakeStep("b", std::nullopt));
  EXPECT_THAT(sink_.told, ElementsAre("a!", "b!"));
  executor_.OnCommitted(1);
  EXPECT_THAT(sink_.told, ElementsAre("a!", "b!", "a", "b"));
}

TEST_F(StepExecutorTest, OneCommitIsOnItsWayAndTheNextForms) {
  executor_.Execute(MakeStep("a", storage::Durability::kSync));
  executor_.Execute(MakeStep("b", storage::Durability::kRelaxed));
  executor_.Execute(MakeStep("c", storage::Durability::kSync));
  ASSERT_THAT(commits_.requests, SizeIs(1));
  EXPECT_EQ(executor_.uncommitted(), 3u);

  EXPECT_EQ(executor_.OnCommitted(1), 1u);
  EXPECT_THAT(sink_.told, ElementsAre("a!", "b!", "c!", "a"));
  ASSERT_THAT(commits_.requests, SizeIs(2));
  EXPECT_THAT(commits_.requests[1].transactions, SizeIs(2));

  EXPECT_EQ(executor_.OnCommitted(2), 3u);
  EXPECT_THAT(sink_.told, ElementsAre("a!", "b!", "c!", "a", "b", "c"));
  EXPECT_FALSE(executor_.commit_in_flight());
}

TEST_F(StepExecutorTest, RelaxedWritesAreSyncedWhenAsked) {
  executor_.SyncRelaxed();
  EXPECT_THAT(commits_.requests, IsEmpty()) << "there was nothing to sync";

  executor_.Execute(MakeStep("a", storage::Durability::kRelaxed));
  executor_.OnCommitted(1);
  EXPECT_TRUE(executor_.has_relaxed());
  executor_.SyncRelaxed();
  ASSERT_THAT(commits_.requests, SizeIs(2));
  EXPECT_TRUE(commits_.requests[1].sync_only);
  executor_.OnCommitted(2);
  EXPECT_FALSE(executor_.has_relaxed());
}

TEST_F(StepExecutorTest, ASyncCommitCoversRelaxedOnesBeforeIt) {
  executor_.Execute(MakeStep("a", storage::Durability::kRelaxed));
  executor_.OnCommitted(1);
  executor_.Execute(MakeStep("b", storage::Durability::kSync));
  executor_.OnCommitted(2);
  EXPECT_FALSE(executor_.has_relaxed());
}

TEST_F(StepExecutorTest, ASyncThatIsAskedForRidesOnTheNextCommit) {
  executor_.Execute(MakeStep("a", storage::Durability::kRelaxed));
  executor_.Execute(MakeStep("b", storage::Durability::kRelaxed));
  executor_.SyncRelaxed();
  executor_.OnCommitted(1);
  ASSERT_THAT(commits_.requests, SizeIs(2));
  EXPECT_EQ(commits_.requests[1].transactions.back().durability,
            storage::Durability::kSync);
  executor_.OnCommitted(2);
  EXPECT_FALSE(executor_.has_relaxed());
}

TEST_F(StepExecutorTest, AfterAFailedCommitNothingHeldWasTold) {
  executor_.Execute(MakeStep("a", storage::Durability::kSync));
  executor_.Execute(MakeStep("b", storage::Durability::kSync));
  const std::vector<EffectBody> held = executor_.Abandon();
  EXPECT_THAT(held, SizeIs(2));
  EXPECT_THAT(sink_.told, ElementsAre("a!", "b!"));
}

}  // namespace
}  // namespace parley::core
