#include "daemon/engineio/packet.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/model/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::engineio {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Decode, KnowsEveryType) {
  const struct {
    const char* frame;
    PacketType type;
    const char* payload;
  } cases[] = {
      {"0{}", PacketType::kOpen, "{}"},
      {"1", PacketType::kClose, ""},
      {"2", PacketType::kPing, ""},
      {"2probe", PacketType::kPing, "probe"},
      {"3", PacketType::kPong, ""},
      {"4hello", PacketType::kMessage, "hello"},
      {"4", PacketType::kMessage, ""},
      {"44\"x\"", PacketType::kMessage, "4\"x\""},
      {"5", PacketType::kUpgrade, ""},
      {"6", PacketType::kNoop, ""},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Packet> packet = Decode(c.frame);
    ASSERT_TRUE(packet.ok()) << c.frame;
    EXPECT_EQ(packet->type, c.type) << c.frame;
    EXPECT_EQ(packet->payload, c.payload);
    EXPECT_EQ(Encode(packet->type, packet->payload), c.frame);
  }
}

TEST(Decode, KeepsEveryByteOfAPayload) {
  const std::string frame("4a\0\xff\x1e", 5);
  ASSERT_TRUE(Decode(frame).ok());
  EXPECT_EQ(Decode(frame)->payload, absl::string_view("a\0\xff\x1e", 4));
}

TEST(Decode, RefusesWhatIsNoPacket) {
  EXPECT_THAT(Decode("").status().message(), HasSubstr("empty frame"));
  for (const char* frame : {"7", "9x", "/", ":", "b64", "-1", " 4", "\xff"}) {
    EXPECT_EQ(Decode(frame).status().code(), absl::StatusCode::kInvalidArgument)
        << frame;
    EXPECT_THAT(Decode(frame).status().message(),
                HasSubstr("unknown Engine.IO packet type"));
  }
  EXPECT_THAT(Decode("xsecret").status().message(), Not(HasSubstr("secret")));
}

std::string OpenErrorOf(absl::string_view payload) {
  const absl::StatusOr<OpenParameters> open = ParseOpen(payload);
  if (open.ok()) return "accepted";
  EXPECT_EQ(open.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(open.status().message());
}

std::string OpenWith(absl::string_view interval, absl::string_view timeout,
                     absl::string_view max_payload) {
  return absl::StrCat(R"({"sid":"s","upgrades":[],"pingInterval":)", interval,
                      R"(,"pingTimeout":)", timeout, R"(,"maxPayload":)",
                      max_payload, "}");
}

TEST(ParseOpen, ReadsWhatServersSend) {
  const absl::StatusOr<OpenParameters> open = ParseOpen(
      R"({"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,)"
      R"("pingTimeout":20000,"maxPayload":1000000,"later":{"x":[1]}})");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->sid, "lv_VI97HAXpY6yYWAAAC");
  EXPECT_EQ(open->ping_interval, absl::Seconds(25));
  EXPECT_EQ(open->ping_timeout, absl::Seconds(20));
  EXPECT_EQ(open->max_payload, 1000000u);
}

TEST(ParseOpen, RefusesWhatIsNoObject) {
  EXPECT_THAT(OpenErrorOf(""), HasSubstr("not JSON"));
  EXPECT_THAT(OpenErrorOf("hello"), HasSubstr("not JSON"));
  EXPECT_THAT(OpenErrorOf("{\"sid\":\"\xff\"}"), HasSubstr("UTF-8"));
  for (const char* text : {"[]", "null", "1", "\"sid\""}) {
    EXPECT_THAT(OpenErrorOf(text), HasSubstr("no JSON object")) << text;
  }
  EXPECT_THAT(OpenErrorOf(std::string(100, '[')), HasSubstr("nested 100 deep"));
}

TEST(ParseOpen, RefusesABadSid) {
  EXPECT_THAT(OpenErrorOf(R"({"pingInterval":1,"pingTimeout":1})"),
              HasSubstr("has no sid"));
  EXPECT_THAT(OpenErrorOf(R"({"sid":7})"), HasSubstr("sid that is no string"));
  EXPECT_THAT(OpenErrorOf(R"({"sid":""})"), HasSubstr("sid of 0 bytes"));
  const std::string sid(256, 's');
  EXPECT_THAT(OpenErrorOf(absl::StrCat(R"({"sid":")", sid, R"("})")),
              HasSubstr("sid of 256 bytes; 1 to 255"));
}

TEST(ParseOpen, RefusesPingNumbersThatMeanNothing) {
  for (const char* number : {"0", "-1", "0.5", "-1e300"}) {
    EXPECT_THAT(OpenErrorOf(OpenWith(number, "1", "1000000")),
                HasSubstr("pingInterval below 1 ms"));
    EXPECT_THAT(OpenErrorOf(OpenWith("1", number, "1000000")),
                HasSubstr("pingTimeout below 1 ms"));
  }
  for (const char* other : {"null", "\"25000\"", "[]", "true"}) {
    EXPECT_THAT(OpenErrorOf(OpenWith(other, "1", "1000000")),
                HasSubstr("pingInterval that is no number"));
  }
  EXPECT_THAT(OpenErrorOf(R"({"sid":"s","pingTimeout":1})"),
              HasSubstr("has no pingInterval"));
  EXPECT_THAT(OpenErrorOf(R"({"sid":"s","pingInterval":1})"),
              HasSubstr("has no pingTimeout"));
}

TEST(ParseOpen, ClampsPingNumbersThatWouldTurnTheWatchdogOff) {
  for (const char* number :
       {"9007199254740992", "1e300", "3600001", "18446744073709551615"}) {
    const absl::StatusOr<OpenParameters> open =
        ParseOpen(OpenWith(number, number, "1000000"));
    ASSERT_TRUE(open.ok()) << open.status();
    EXPECT_EQ(open->ping_interval, kMaxPingDuration);
    EXPECT_EQ(open->ping_timeout, kMaxPingDuration);
  }
  EXPECT_EQ(ParseOpen(OpenWith("1", "1.9", "1024"))->ping_timeout,
            absl::Milliseconds(1));
}

TEST(ParseOpen, BoundsMaxPayload) {
  for (const char* number : {"1", "0", "-5", "1023", "1023.9"}) {
    EXPECT_THAT(OpenErrorOf(OpenWith("1", "1", number)),
                HasSubstr("maxPayload below 1024 bytes"));
  }
  EXPECT_THAT(OpenErrorOf(OpenWith("1", "1", "\"x\"")),
              HasSubstr("maxPayload that is no number"));
  EXPECT_EQ(ParseOpen(OpenWith("1", "1", "1024"))->max_payload, 1024u);
  EXPECT_EQ(ParseOpen(OpenWith("1", "1", "null"))->max_payload,
            model::kDefaultServerMaxPayloadBytes);
  for (const char* number : {"1e300", "9007199254740993"}) {
    EXPECT_EQ(ParseOpen(OpenWith("1", "1", number))->max_payload,
              model::kMaxFrameBytes);
  }
  // The first servers of this protocol version did not name it.
  EXPECT_EQ(
      ParseOpen(R"({"sid":"s","pingInterval":1,"pingTimeout":1})")->max_payload,
      model::kDefaultServerMaxPayloadBytes);
}

TEST(ParseOpen, RefusesAHugePacketUnread) {
  const std::string filler(kMaxOpenBytes, 'x');
  EXPECT_THAT(OpenErrorOf(absl::StrCat("{\"a\":\"", filler, "\"}")),
              HasSubstr("16384 are accepted"));
}

TEST(ParseOpen, DoesNotQuoteTheServer) {
  EXPECT_THAT(OpenErrorOf(R"({"sid":"private")"), Not(HasSubstr("private")));
}

}  // namespace
}  // namespace parley::engineio
