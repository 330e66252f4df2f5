#include "daemon/base/json.h"

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::base {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string Error(absl::string_view text) {
  const absl::StatusOr<json> value = ParseJson(text, 64);
  if (value.ok()) return absl::StrCat("parsed as ", DumpJson(*value));
  const bool deep = absl::StrContains(value.status().message(), " deep");
  EXPECT_EQ(value.status().code(), deep ? absl::StatusCode::kOutOfRange
                                        : absl::StatusCode::kInvalidArgument);
  return std::string(value.status().message());
}

std::string Nested(int depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(ParseJson, ReadsEveryKindOfValue) {
  const absl::StatusOr<json> value =
      ParseJson(R"( {"a":[1,-2,1.5,true,false,null,"x\n\u00e9"],"b":{}} )", 64);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, (json{{"a", {1, -2, 1.5, true, false, nullptr, "x\né"}},
                          {"b", json::object()}}));
}

TEST(ParseJson, RefusesWhatIsNotOneJsonValue) {
  for (const char* text :
       {"", " ", "{", "[1,]", "[1] [2]", "{'a':1}", "nul", "NaN", "01", "+1",
        "\"", "\"\t\"", "\"\\x\"", "\"\\u12\"", "[1]//", "{\"a\"}", "]"}) {
    EXPECT_THAT(Error(text), HasSubstr("not JSON: a syntax error")) << text;
  }
}

TEST(ParseJson, RefusesWhatTheParserWouldSkip) {
  for (const absl::string_view text :
       {absl::string_view("1\0junk", 6), absl::string_view("\0", 1),
        absl::string_view("[\"a\0b\"]", 7),
        absl::string_view("\xef\xbb\xbf{}")}) {
    EXPECT_THAT(Error(std::string(text)), HasSubstr("not JSON"));
  }
}

TEST(ParseJson, RefusesBrokenUtf8) {
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"", "{\"\xc0\x80\":1}"}) {
    EXPECT_THAT(Error(text), HasSubstr("ill-formed UTF-8 at byte")) << text;
  }
}

TEST(ParseJson, DoesNotQuoteTheText) {
  EXPECT_THAT(Error("[\"private\", private]"), Not(HasSubstr("private")));
  EXPECT_THAT(Error("[\"private\xff\"]"), Not(HasSubstr("private")));
}

TEST(ParseJson, BoundsTheDepth) {
  EXPECT_TRUE(ParseJson(Nested(64), 64).ok());
  EXPECT_THAT(Error(Nested(65)), HasSubstr("nested 65 deep; 64 levels"));
  EXPECT_THAT(Error(Nested(100000)), HasSubstr("nested 100000 deep"));
  EXPECT_THAT(Error(std::string(100000, '[')), HasSubstr("nested 100000 deep"));
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  EXPECT_THAT(Error(objects), HasSubstr("nested 65 deep"));
}

TEST(ParseJson, CountsNoBracketsInStrings) {
  EXPECT_TRUE(ParseJson("[\"" + std::string(1000, '[') + "\"]", 1).ok());
  EXPECT_TRUE(ParseJson(R"(["\"[[[[", "\\", []])", 2).ok());
  EXPECT_FALSE(ParseJson(R"(["\\", [[]]])", 2).ok());
}

TEST(ParseJson, WidthIsNotDepth) {
  EXPECT_TRUE(ParseJson("[[],[],[],{},{}]", 2).ok());
}

TEST(ParseJson, TheLastOfRepeatedMembersCounts) {
  EXPECT_EQ(*ParseJson(R"({"a":1,"b":2,"a":3})", 64),
            (json{{"a", 3}, {"b", 2}}));
}

TEST(ParseJson, NumbersAreExactUpTo64Bits) {
  EXPECT_EQ(ParseJson("9007199254740993", 64)->get<uint64_t>(),
            9007199254740993u);
  EXPECT_EQ(ParseJson("18446744073709551615", 64)->get<uint64_t>(),
            std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ParseJson("-9223372036854775808", 64)->get<int64_t>(),
            std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(ParseJson("18446744073709551616", 64)->is_number_float());
  EXPECT_TRUE(ParseJson("-9223372036854775809", 64)->is_number_float());
  EXPECT_EQ(ParseJson("-0", 64)->get<int64_t>(), 0);
  EXPECT_EQ(ParseJson("1e-400", 64)->get<double>(), 0.0);
}

TEST(ParseJson, RefusesNumbersBeyondADouble) {
  EXPECT_THAT(Error("[1e400]"), HasSubstr("too large for a double"));
  EXPECT_THAT(Error("-1e400"), HasSubstr("too large for a double"));
  EXPECT_THAT(Error(std::string(400, '9')), HasSubstr("too large"));
}

TEST(ParseJson, HalfASurrogatePairBecomesTheReplacementCharacter) {
  EXPECT_EQ(*ParseJson(R"("a\ud83db")", 64), json("a\uFFFDb"));
  EXPECT_EQ(*ParseJson(R"("\uDE00")", 64), json("\uFFFD"));
  EXPECT_EQ(*ParseJson(R"("\ud83d\ud83d\ude00")", 64),
            json("\uFFFD\U0001F600"));
  EXPECT_EQ(*ParseJson(R"("\ud83d\u0041")", 64), json("\uFFFDA"));
  EXPECT_EQ(*ParseJson(R"({"\ud83d":1})", 64), (json{{"\uFFFD", 1}}));
}

TEST(ParseJson, WholeSurrogatePairsAndLookalikesStay) {
  EXPECT_EQ(*ParseJson(R"("\ud83d\ude00")", 64), json("\U0001F600"));
  EXPECT_EQ(*ParseJson(R"("\\ud83d")", 64), json("\\ud83d"));
  EXPECT_EQ(*ParseJson(R"("\\\\ud83d\n")", 64), json("\\\\ud83d\n"));
}

TEST(ParseJson, KeepsNulInStrings) {
  EXPECT_EQ(*ParseJson(R"("a\u0000b")", 64), json(std::string("a\0b", 3)));
}

TEST(DumpJson, WritesWhatParseJsonReads) {
  const json value = {{"a", {1, "x\"\n", nullptr}}, {"b", 0.5}};
  EXPECT_EQ(DumpJson(value), R"({"a":[1,"x\"\n",null],"b":0.5})");
  EXPECT_EQ(*ParseJson(DumpJson(value), 64), value);
}

TEST(DumpJson, ReplacesBrokenUtf8) {
  EXPECT_EQ(DumpJson("a\xff"
                     "b"),
            "\"a\uFFFDb\"");
  EXPECT_EQ(DumpJson(json{{"\xc3", 1}}), "{\"\uFFFD\":1}");
}

}  // namespace
}  // namespace parley::base
