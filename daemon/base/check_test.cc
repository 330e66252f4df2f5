#include "daemon/base/check.h"

#include "gtest/gtest.h"

namespace parley::base {
namespace {

TEST(CheckDeathTest, NamesPlaceAndCondition) {
  const int answer = 41;
  EXPECT_DEATH(PARLEY_CHECK(answer == 42),
               "check_test.cc:[0-9]+: invariant broken: answer == 42");
}

TEST(Check, EvaluatesItsConditionOnce) {
  int calls = 0;
  PARLEY_CHECK(++calls == 1);
  EXPECT_EQ(calls, 1);
}

TEST(Check, IsOneStatement) {
  // Without the do-while, the else would belong to the macro's own if.
  bool reached = false;
  if (reached)
    PARLEY_CHECK(true);
  else
    reached = true;
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace parley::base
