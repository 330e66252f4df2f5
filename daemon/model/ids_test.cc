#include "daemon/model/ids.h"

#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/model/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::model {
namespace {

TEST(IsValidUtf8Test, AcceptsTheFirstAndLastOfEachLength) {
  for (const absl::string_view text :
       {absl::string_view(""), absl::string_view("\0", 1),
        absl::string_view("\x7f"), absl::string_view("\xc2\x80"),
        absl::string_view("\xdf\xbf"), absl::string_view("\xe0\xa0\x80"),
        absl::string_view("\xed\x9f\xbf"), absl::string_view("\xee\x80\x80"),
        absl::string_view("\xef\xbf\xbf"),
        absl::string_view("\xf0\x90\x80\x80"),
        absl::string_view("\xf4\x8f\xbf\xbf"),
        absl::string_view("a\xc3\xa9\xf0\x9f\x98\x80z")}) {
    EXPECT_TRUE(IsValidUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(IsValidUtf8Test, RefusesEveryKindOfIllFormedText) {
  for (const absl::string_view text : {
           absl::string_view("\x80"),              // continuation alone
           absl::string_view("\xbf"),              //
           absl::string_view("\xc0\x80"),          // overlong NUL
           absl::string_view("\xc1\xbf"),          // overlong
           absl::string_view("\xe0\x9f\xbf"),      // overlong
           absl::string_view("\xf0\x8f\xbf\xbf"),  // overlong
           absl::string_view("\xed\xa0\x80"),      // surrogate
           absl::string_view("\xed\xbf\xbf"),      // surrogate
           absl::string_view("\xf4\x90\x80\x80"),  // beyond U+10FFFF
           absl::string_view("\xf5\x80\x80\x80"),  //
           absl::string_view("\xff"),              //
           absl::string_view("\xc3"),              // cut
           absl::string_view("\xe2\x82"),          // cut
           absl::string_view("\xf0\x9f\x98"),      // cut
           absl::string_view("\xc3"
                             "A"),  // no continuation
           absl::string_view("\xe2\x82"
                             "A"),       //
           absl::string_view("ok\xff"),  // after good text
           absl::string_view("\xff"
                             "ok"),
       }) {
    EXPECT_FALSE(IsValidUtf8(text)) << testing::PrintToString(text);
  }
}

TEST(ValidateRoomIdTest, Boundaries) {
  EXPECT_TRUE(ValidateRoomId("r").ok());
  EXPECT_TRUE(ValidateRoomId("channel:général 😀").ok());
  EXPECT_TRUE(ValidateRoomId(std::string(kMaxRoomIdBytes, 'r')).ok());
  EXPECT_FALSE(ValidateRoomId(std::string(kMaxRoomIdBytes + 1, 'r')).ok());
  EXPECT_FALSE(ValidateRoomId("").ok());
  EXPECT_FALSE(ValidateRoomId(absl::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(ValidateRoomId("\xff").ok());
}

TEST(ValidateClientMessageIdTest, Boundaries) {
  EXPECT_TRUE(ValidateClientMessageId("!").ok());
  EXPECT_TRUE(ValidateClientMessageId("~").ok());
  EXPECT_TRUE(
      ValidateClientMessageId(std::string(kMaxClientMessageIdBytes, 'c')).ok());
  EXPECT_FALSE(
      ValidateClientMessageId(std::string(kMaxClientMessageIdBytes + 1, 'c'))
          .ok());
  EXPECT_FALSE(ValidateClientMessageId("").ok());
  EXPECT_FALSE(ValidateClientMessageId("a b").ok());
  EXPECT_FALSE(ValidateClientMessageId("a\x7f").ok());
  EXPECT_FALSE(ValidateClientMessageId("a\n").ok());
  EXPECT_FALSE(ValidateClientMessageId(absl::string_view("\0", 1)).ok());
  EXPECT_FALSE(ValidateClientMessageId("é").ok());
}

TEST(MakeClientMessageIdTest, HasTheFormOfAUuidV7) {
  base::Rng rng(7);
  const auto now = absl::FromUnixMillis(0x0190b5a81234);
  for (int i = 0; i < 1000; ++i) {
    const ClientMessageId id = MakeClientMessageId(now, &rng);
    EXPECT_THAT(id.value(),
                testing::MatchesRegex("0190b5a8-1234-7[0-9a-f][0-9a-f][0-9a-f]-"
                                      "[89ab][0-9a-f][0-9a-f][0-9a-f]-"
                                      "[0-9a-f]+"));
    EXPECT_EQ(id.value().size(), 36u);
    EXPECT_TRUE(ValidateClientMessageId(id.value()).ok());
  }
}

TEST(MakeClientMessageIdTest, SortsByMillisecond) {
  base::Rng rng(7);
  std::string previous;
  for (const int64_t ms : {int64_t{0}, int64_t{1}, int64_t{0xffff},
                           int64_t{0x10000}, int64_t{1764079859371},
                           int64_t{1764079859372}, int64_t{0xffffffffffff}}) {
    const std::string id =
        MakeClientMessageId(absl::FromUnixMillis(ms), &rng).value();
    EXPECT_LT(previous, id) << ms;
    previous = id;
  }
}

TEST(MakeClientMessageIdTest, DiffersWithinAMillisecondAndRepeatsWithTheSeed) {
  const auto now = absl::FromUnixMillis(1764079859371);
  base::Rng rng(1);
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) {
    seen.insert(MakeClientMessageId(now, &rng).value());
  }
  EXPECT_EQ(seen.size(), 10000u);
  base::Rng again(1);
  EXPECT_EQ(seen.count(MakeClientMessageId(now, &again).value()), 1u);
}

}  // namespace
}  // namespace parley::model
