#include "daemon/rpc/live_source.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

// What is said, in the shape of a watch response.
struct Said {
  std::string text;
  void set_caught_up(bool) { text = "caught up"; }
};

class Counter final : public LiveSource<Said> {
 public:
  std::optional<int> value;

 private:
  bool HasNews() const override { return value.has_value() && value != told_; }
  void Tell(ReadRound*, Said* response) override {
    told_ = value;
    response->text = std::to_string(*value);
  }

  std::optional<int> told_;
};

std::string Next(Counter* source) {
  Said said;
  const absl::StatusOr<bool> any = source->Next(nullptr, &said);
  return any.ok() && *any ? said.text : "nothing";
}

TEST(LiveSourceTest, TheStateThenCaughtUpThenEachChange) {
  Counter source;
  EXPECT_EQ(Next(&source), "nothing");
  EXPECT_FALSE(source.has_more());
  source.value = 1;
  EXPECT_EQ(Next(&source), "1");
  EXPECT_TRUE(source.has_more());
  EXPECT_EQ(Next(&source), "caught up");
  EXPECT_FALSE(source.has_more());
  EXPECT_EQ(Next(&source), "nothing");
  source.value = 2;
  EXPECT_EQ(Next(&source), "2");
  EXPECT_FALSE(source.has_more());
  EXPECT_EQ(Next(&source), "nothing");
}

// The call asks once for a change: that answer may be another one.
TEST(LiveSourceTest, AChangeWhileTheFirstStateIsWrittenIsTold) {
  Counter source;
  source.value = 1;
  EXPECT_EQ(Next(&source), "1");
  source.value = 2;
  EXPECT_EQ(Next(&source), "caught up");
  EXPECT_TRUE(source.has_more());
  EXPECT_EQ(Next(&source), "2");
  EXPECT_FALSE(source.has_more());
}

}  // namespace
}  // namespace parley::rpc
