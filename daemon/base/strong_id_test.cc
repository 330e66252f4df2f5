#include "daemon/base/strong_id.h"

#include <map>
#include <type_traits>

#include "gtest/gtest.h"

namespace parley::base {
namespace {

using Apple = StrongString<struct AppleTag>;
using Pear = StrongString<struct PearTag>;
using Count = StrongInt<struct CountTag>;
using Index = StrongInt<struct IndexTag>;

static_assert(!std::is_convertible_v<Apple, Pear>);
static_assert(!std::is_constructible_v<Apple, Pear>);
static_assert(!std::is_convertible_v<std::string, Apple>);
static_assert(!std::is_convertible_v<Count, Index>);
static_assert(!std::is_convertible_v<uint64_t, Count>);
static_assert(!std::is_convertible_v<Count, uint64_t>);

TEST(StrongString, ComparesByValueAndKeysAMap) {
  EXPECT_EQ(Apple("a"), Apple(std::string("a")));
  EXPECT_NE(Apple("a"), Apple("b"));
  std::map<Apple, int> map;
  map[Apple("b")] = 2;
  map[Apple("a")] = 1;
  EXPECT_EQ(map.begin()->first.value(), "a");
  EXPECT_TRUE(Apple().empty());
}

TEST(StrongString, KeepsAnyBytes) {
  const std::string bytes("a\0b", 3);
  EXPECT_EQ(Apple(bytes).value(), bytes);
}

TEST(StrongInt, ComparesAndCounts) {
  EXPECT_EQ(Count().value(), 0u);
  EXPECT_EQ(Count(1).Next(), Count(2));
  EXPECT_LT(Count(1), Count(2));
  EXPECT_LE(Count(2), Count(2));
  EXPECT_GT(Count(3), Count(2));
  EXPECT_GE(Count(3), Count(3));
  EXPECT_NE(Count(3), Count(2));
}

}  // namespace
}  // namespace parley::base
