#include "clients/cli/humane.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

TEST(ParseDurationTest, TakesNumbersWithUnits) {
  EXPECT_EQ(*ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("1m"), absl::Minutes(1));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("1.5s"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseDuration("7d"), absl::Hours(7 * 24));
}

TEST(ParseDurationTest, RefusesTheRest) {
  for (const char* text : {"", "s", "soon", "0s", "0", "-1s", "inf", "nand",
                           "1w", "30", "10001d", "1s 2", "infd"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_EQ(ParseDuration("30").status().message(),
            "\"30\" has no unit, write 30s");
}

TEST(HumaneDurationTest, ShowsOneUnit) {
  EXPECT_EQ(HumaneDuration(absl::Milliseconds(-5)), "<1 s");
  EXPECT_EQ(HumaneDuration(absl::Milliseconds(999)), "<1 s");
  EXPECT_EQ(HumaneDuration(absl::Seconds(59)), "59 s");
  EXPECT_EQ(HumaneDuration(absl::Seconds(60)), "1 min");
  EXPECT_EQ(HumaneDuration(absl::Minutes(59)), "59 min");
  EXPECT_EQ(HumaneDuration(absl::Hours(47)), "47 h");
  EXPECT_EQ(HumaneDuration(absl::Hours(48)), "2 d");
}

TEST(HumaneTimeTest, LeavesOutWhatIsObvious) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const auto at = [utc](int year, int month, int day, int hour) {
    return absl::FromCivil(absl::CivilHour(year, month, day, hour), utc);
  };
  const absl::Time now = at(2024, 11, 25, 14);
  EXPECT_EQ(HumaneTime(at(2024, 11, 25, 9), now, utc), "09:00:00");
  EXPECT_EQ(HumaneTime(at(2024, 11, 24, 23), now, utc), "Nov 24 23:00");
  EXPECT_EQ(HumaneTime(at(2023, 11, 25, 14), now, utc), "2023-11-25 14:00");
}

TEST(HumaneBytesTest, ShowsTwoDigits) {
  EXPECT_EQ(HumaneBytes(0), "0 B");
  EXPECT_EQ(HumaneBytes(1023), "1023 B");
  EXPECT_EQ(HumaneBytes(1024), "1 KiB");
  EXPECT_EQ(HumaneBytes(1229), "1.2 KiB");
  EXPECT_EQ(HumaneBytes(10 * 1024), "10 KiB");
  EXPECT_EQ(HumaneBytes(64 << 20), "64 MiB");
  EXPECT_EQ(HumaneBytes((1 << 20) - 1), "1 MiB");
}

TEST(EnumWordTest, ReadsAsWords) {
  EXPECT_EQ(EnumWord("CANCEL_OUTCOME_POSSIBLY_SENT", "CANCEL_OUTCOME_"),
            "possibly sent");
  // A value of a newer daemon has no name.
  EXPECT_EQ(EnumWord("", "CANCEL_OUTCOME_"), "unknown");
}

TEST(OneLineTest, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(OneLine("two\nlines\tand a tab"), "two lines and a tab");
  EXPECT_EQ(OneLine("\x1b[31mred\x07"), ".[31mred.");
  EXPECT_EQ(OneLine("\xc2\x9b"), ".");  // CSI as one C1 control
  EXPECT_EQ(OneLine("a\xe2\x80\xae"
                    "b"),
            "a.b");  // right-to-left override
  EXPECT_EQ(OneLine("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b"),
            "gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b");
  EXPECT_EQ(OneLine("cut \xf0\x9f"), "cut ..");
}

TEST(IsUtf8Test, KnowsWhatIsWellFormed) {
  EXPECT_TRUE(IsUtf8("plain, \xc3\xa4, \xe2\x82\xac, \xf0\x9f\x91\x8b"));
  for (const char* text :
       {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
}

TEST(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("\xc3\xa4"), 1u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);                 // e and an accent
  EXPECT_EQ(DisplayWidth("\xe4\xbd\xa0\xe5\xa5\xbd"), 4u);  // two ideographs
  EXPECT_EQ(DisplayWidth("\xf0\x9f\x91\x8b"), 2u);
}

TEST(ToProtoTest, KeepsTheFraction) {
  EXPECT_EQ(ToProto(absl::Milliseconds(1500)).seconds(), 1);
  EXPECT_EQ(ToProto(absl::Milliseconds(1500)).nanos(), 500000000);
}

}  // namespace
}  // namespace parley::cli
