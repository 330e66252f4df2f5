#include "daemon/rpc/core_calls.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/model/errors.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

class RecordingSink final : public runtime::EventSink {
 public:
  bool TryPost(core::Event event) override {
    if (full) return false;
    calls.push_back(std::get<core::Command>(event).call);
    return true;
  }
  void Post(core::Event event) override { TryPost(std::move(event)); }

  bool full = false;
  std::vector<core::CallId> calls;
};

class CoreCallsTest : public ::testing::Test {
 protected:
  // Where the reply to a posted command ends up.
  std::optional<absl::Status>* Post() {
    results_.push_back(std::make_unique<std::optional<absl::Status>>());
    auto* const result = results_.back().get();
    calls_.Post(core::GetStatus{},
                [result](const absl::StatusOr<core::ReplyBody>& reply) {
                  EXPECT_FALSE(result->has_value());
                  *result = reply.status();
                });
    return result;
  }

  RecordingSink core_;
  CoreCalls calls_{&core_, 2};
  std::vector<std::unique_ptr<std::optional<absl::Status>>> results_;
};

TEST_F(CoreCallsTest, RepliesFindTheirCall) {
  const auto* const first = Post();
  const auto* const second = Post();
  ASSERT_EQ(core_.calls.size(), 2u);
  calls_.Deliver(core_.calls[1], absl::NotFoundError("second"));
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ((*second)->message(), "second");
  calls_.Deliver(core_.calls[0], core::ReplyBody(core::Done{}));
  EXPECT_TRUE((*first)->ok());
  EXPECT_EQ(calls_.waiting(), 0u);
}

TEST_F(CoreCallsTest, RepliesToNobodyAreIgnored) {
  Post();
  calls_.Deliver(core::CallId(99), core::ReplyBody(core::Done{}));
  calls_.Deliver(core_.calls[0], core::ReplyBody(core::Done{}));
  calls_.Deliver(core_.calls[0], core::ReplyBody(core::Done{}));
  EXPECT_EQ(calls_.waiting(), 0u);
}

TEST_F(CoreCallsTest, AFullMailboxIsAnErrorAtOnce) {
  core_.full = true;
  const auto* const result = Post();
  ASSERT_TRUE(result->has_value());
  EXPECT_EQ((*result)->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(model::ErrorReasonOf(**result),
            model::ErrorReason::kTooManyRequests);
  EXPECT_TRUE(model::RetryAfterOf(**result).has_value());
}

TEST_F(CoreCallsTest, OneCallTooManyIsAnErrorAtOnce) {
  Post();
  Post();
  const auto* const third = Post();
  ASSERT_TRUE(third->has_value());
  EXPECT_EQ(model::ErrorReasonOf(**third),
            model::ErrorReason::kTooManyRequests);
  EXPECT_EQ(core_.calls.size(), 2u);
}

TEST_F(CoreCallsTest, RefusingLeavesWhatWaits) {
  const auto* const waiting = Post();
  calls_.Refuse(absl::UnavailableError("stopping"));
  const auto* const late = Post();
  EXPECT_EQ((*late)->message(), "stopping");
  EXPECT_FALSE(waiting->has_value());
  calls_.Deliver(core_.calls[0], core::ReplyBody(core::Done{}));
  EXPECT_TRUE((*waiting)->ok());
}

TEST_F(CoreCallsTest, ClosingAnswersEverybody) {
  const auto* const waiting = Post();
  calls_.Close(absl::UnavailableError("stopping"));
  EXPECT_EQ((*waiting)->message(), "stopping");
  EXPECT_EQ((*Post())->message(), "stopping");
  EXPECT_EQ(calls_.waiting(), 0u);
}

}  // namespace
}  // namespace parley::rpc
