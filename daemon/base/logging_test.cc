#include "daemon/base/logging.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace parley::base::logging {
namespace {

const absl::Time kTime = absl::FromUnixMillis(1772366400123);

std::string Journal(absl::string_view message,
                    std::initializer_list<Field> fields) {
  return FormatLine(Style::kJournal, Level::kInfo, kTime, message, fields);
}

TEST(FormatLine, PlainHasTimeAndLevel) {
  EXPECT_EQ(FormatLine(Style::kPlain, Level::kWarning, kTime, "connect failed",
                       {{"attempt", 3}}),
            "ts=2026-03-01T12:00:00.123Z level=warning msg=\"connect failed\" "
            "attempt=3");
}

TEST(FormatLine, JournalHasTheSeverityOfSyslog) {
  const auto format = [](Level level) {
    return FormatLine(Style::kJournal, level, kTime, "x", {});
  };
  EXPECT_EQ(format(Level::kDebug), "<7>msg=x");
  EXPECT_EQ(format(Level::kInfo), "<6>msg=x");
  EXPECT_EQ(format(Level::kWarning), "<4>msg=x");
  EXPECT_EQ(format(Level::kError), "<3>msg=x");
}

TEST(FormatLine, PrintsEachKindOfValue) {
  EXPECT_EQ(Journal("m", {{"text", "a b"},
                          {"empty", ""},
                          {"string", std::string("s")},
                          {"yes", true},
                          {"negative", -1},
                          {"large", uint64_t{18446744073709551615u}},
                          {"took", absl::Milliseconds(1500)},
                          {"status", absl::NotFoundError("gone")}}),
            "<6>msg=m text=\"a b\" empty=\"\" string=s yes=true negative=-1 "
            "large=18446744073709551615 took=1.5s status=\"NOT_FOUND: gone\"");
}

TEST(FormatLine, NeverPrintsASecret) {
  EXPECT_EQ(Journal("m", {{"token", Secret("canary")}}),
            "<6>msg=m token=[redacted]");
}

TEST(FormatLine, ForeignTextForgesNeitherLineNorField) {
  EXPECT_EQ(Journal("a\n<0>b", {{"k", "x\" level=\\error\r\n\x01"}}),
            "<6>msg=\"a\\n<0>b\" k=\"x\\\" level=\\\\error\\x0d\\n\\x01\"");
  EXPECT_EQ(Journal("m", {{"a b=c\n", "v"}}), "<6>msg=m a_b_c_=v");
  EXPECT_EQ(Journal("m", {{"k", "a=b"}}), "<6>msg=m k=\"a=b\"");
  EXPECT_EQ(Journal("m", {{"k", std::string("a\0b", 3)}}),
            "<6>msg=m k=\"a\\x00b\"");
}

TEST(FormatLine, KeepsWordsOfAnyLanguage) {
  EXPECT_EQ(Journal("m", {{"name", "Zoë"}}), "<6>msg=m name=\"Zoë\"");
}

TEST(StyleFor, AsksWhetherTheDescriptorIsTheJournal) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  struct stat status;
  ASSERT_EQ(fstat(pipes[1], &status), 0);
  const std::string journal = absl::StrCat(status.st_dev, ":", status.st_ino);
  EXPECT_EQ(StyleFor(journal.c_str(), pipes[1]), Style::kJournal);
  EXPECT_EQ(StyleFor(nullptr, pipes[1]), Style::kPlain);
  EXPECT_EQ(StyleFor("1:2", pipes[1]), Style::kPlain);
  EXPECT_EQ(StyleFor("", pipes[1]), Style::kPlain);
  close(pipes[0]);
  close(pipes[1]);
  EXPECT_EQ(StyleFor(journal.c_str(), pipes[1]), Style::kPlain);
}

TEST(Levels, HaveNames) {
  for (const Level level :
       {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    Level parsed = Level::kDebug;
    EXPECT_TRUE(ParseLevel(LevelName(level), &parsed));
    EXPECT_EQ(parsed, level);
  }
  Level level = Level::kError;
  EXPECT_FALSE(ParseLevel("loud", &level));
  EXPECT_FALSE(ParseLevel("", &level));
  EXPECT_EQ(level, Level::kError);
}

TEST(Log, WritesWholeLinesToStderrAtItsLevelAndAbove) {
  testing::internal::CaptureStderr();
  Debug("unseen");
  Info("seen", {{"n", 1}});
  SetLevel(Level::kError);
  EXPECT_FALSE(IsEnabled(Level::kWarning));
  Warning("unseen");
  Error("also seen {} %s");
  SetLevel(Level::kDebug);
  Debug("at last");
  SetLevel(Level::kInfo);
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_NE(output.find("level=info msg=seen n=1\n"), std::string::npos);
  EXPECT_NE(output.find("msg=\"also seen {} %s\"\n"), std::string::npos);
  EXPECT_NE(output.find("msg=\"at last\"\n"), std::string::npos);
  EXPECT_EQ(output.find("unseen"), std::string::npos);
}

}  // namespace
}  // namespace parley::base::logging
