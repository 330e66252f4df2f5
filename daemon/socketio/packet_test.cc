#include "daemon/socketio/packet.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::socketio {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string Error(absl::string_view text) {
  const absl::StatusOr<Packet> packet = Decode(text);
  if (packet.ok()) return absl::StrCat("decoded as ", Encode(*packet));
  const bool deep = absl::StrContains(packet.status().message(), " deep");
  EXPECT_EQ(packet.status().code(), deep ? absl::StatusCode::kOutOfRange
                                         : absl::StatusCode::kInvalidArgument);
  return std::string(packet.status().message());
}

Packet Make(PacketType type, std::optional<json> data,
            std::optional<uint64_t> ack_id = std::nullopt) {
  Packet packet;
  packet.type = type;
  packet.data = std::move(data);
  packet.ack_id = ack_id;
  return packet;
}

void ExpectRoundTrip(const Packet& packet, absl::string_view text) {
  EXPECT_EQ(Encode(packet), text);
  const absl::StatusOr<Packet> decoded = Decode(text);
  ASSERT_TRUE(decoded.ok()) << text << ": " << decoded.status();
  EXPECT_EQ(decoded->type, packet.type) << text;
  EXPECT_EQ(decoded->nsp, packet.nsp) << text;
  EXPECT_EQ(decoded->ack_id, packet.ack_id) << text;
  EXPECT_EQ(decoded->attachments, packet.attachments) << text;
  EXPECT_EQ(decoded->data, packet.data) << text;
}

TEST(Packet, ConnectWithAndWithoutPayload) {
  ExpectRoundTrip(Make(PacketType::kConnect, std::nullopt), "0");
  ExpectRoundTrip(Make(PacketType::kConnect, json{{"token", "t"}}),
                  R"(0{"token":"t"})");
}

TEST(Packet, Disconnect) {
  ExpectRoundTrip(Make(PacketType::kDisconnect, std::nullopt), "1");
}

TEST(Packet, Events) {
  ExpectRoundTrip(Make(PacketType::kEvent, json{"a", 1, json::object()}),
                  R"(2["a",1,{}])");
  ExpectRoundTrip(Make(PacketType::kEvent, json{"noargs", nullptr}),
                  R"(2["noargs",null])");
  ExpectRoundTrip(Make(PacketType::kEvent, json{"a"}, 0), R"(20["a"])");
  ExpectRoundTrip(Make(PacketType::kEvent, json{"a"}, 12), R"(212["a"])");
  ExpectRoundTrip(Make(PacketType::kEvent, json{"你好\n\"\\"}),
                  "2[\"你好\\n\\\"\\\\\"]");
  ExpectRoundTrip(Make(PacketType::kEvent, json{7, "by number"}),
                  R"(2[7,"by number"])");
  ExpectRoundTrip(Make(PacketType::kEvent, json{""}), R"(2[""])");
}

TEST(Packet, Acks) {
  ExpectRoundTrip(Make(PacketType::kAck, json::array(), 0), "30[]");
  ExpectRoundTrip(Make(PacketType::kAck, json{{{"success", true}}}, 123),
                  R"(3123[{"success":true}])");
  ExpectRoundTrip(Make(PacketType::kAck, json::array(), 18446744073709551615u),
                  "318446744073709551615[]");
}

TEST(Packet, RefusalsOfEveryShape) {
  ExpectRoundTrip(
      Make(PacketType::kConnectError, json{{"message", "Invalid token"}}),
      R"(4{"message":"Invalid token"})");
  ExpectRoundTrip(Make(PacketType::kConnectError, json("Invalid namespace")),
                  R"(4"Invalid namespace")");
  for (const char* text : {"4", "4null", "4[]", "4true", "4{}"}) {
    EXPECT_TRUE(Decode(text).ok()) << text;
  }
  // A number is taken for an ack id, by the libraries too.
  EXPECT_EQ(Decode("47")->ack_id, 7u);
}

TEST(Packet, BinaryOnes) {
  Packet event = Make(PacketType::kBinaryEvent,
                      json{"e", {{"_placeholder", true}, {"num", 0}}});
  event.attachments = 1;
  ExpectRoundTrip(event, R"(51-["e",{"_placeholder":true,"num":0}])");
  event.nsp = "/cool";
  event.ack_id = 23;
  ExpectRoundTrip(event, R"(51-/cool,23["e",{"_placeholder":true,"num":0}])");
  Packet ack = Make(PacketType::kBinaryAck, json::array(), 4);
  ack.attachments = 16;
  ExpectRoundTrip(ack, "616-4[]");
  ack.attachments = 0;
  ExpectRoundTrip(ack, "60-4[]");
}

TEST(Packet, Namespaces) {
  Packet packet = Make(PacketType::kEvent, json{"a"}, 3);
  packet.nsp = "/woot";
  ExpectRoundTrip(packet, R"(2/woot,3["a"])");
  packet.nsp = "/a/b?x=1";
  ExpectRoundTrip(packet, R"(2/a/b?x=1,3["a"])");

  EXPECT_EQ(Decode("1/admin,")->nsp, "/admin");
  EXPECT_EQ(Decode("1/admin")->nsp, "/admin");
  EXPECT_EQ(Decode("0/,{\"sid\":\"s\"}")->nsp, "/");
  EXPECT_EQ(Decode("2[\"a/b,c\"]")->nsp, "/");
}

TEST(Decode, RefusesUnknownTypes) {
  EXPECT_THAT(Error(""), HasSubstr("empty"));
  for (const char* text : {"7", "9[\"a\"]", "a", "[\"a\"]", "-1", "\xff"}) {
    EXPECT_THAT(Error(text), HasSubstr("unknown type")) << text;
  }
}

TEST(Decode, RefusesPayloadsThatTheTypeDoesNotHave) {
  for (const char* text : {"0[]", "0\"s\"", "0null", "0true"}) {
    EXPECT_THAT(Error(text), HasSubstr("CONNECT whose payload")) << text;
  }
  for (const char* text : {"1{}", "1[]", "1\"x\"", "1null"}) {
    EXPECT_THAT(Error(text), HasSubstr("DISCONNECT with a payload")) << text;
  }
  for (const char* text :
       {"2", "2[]", "2{}", "2\"a\"", "2null", "25", "50-", "50-[]", "50-{}"}) {
    EXPECT_THAT(Error(text), HasSubstr("no array with a name")) << text;
  }
  for (const char* text : {"30", "30{}", "30null", "30\"x\"", "60-1{}"}) {
    EXPECT_THAT(Error(text), HasSubstr("ack whose payload")) << text;
  }
  for (const char* text : {"3[]", "60-[]"}) {
    EXPECT_THAT(Error(text), HasSubstr("ack without an id")) << text;
  }
}

TEST(Decode, RefusesEventNamesThatAreNone) {
  for (const char* text :
       {"2[null]", "2[[]]", "2[{}]", "2[true]", "50-[null]", "2[{},\"a\"]"}) {
    EXPECT_THAT(Error(text), HasSubstr("neither string nor number")) << text;
  }
  for (const char* name : {"connect", "connect_error", "disconnect",
                           "disconnecting", "newListener", "removeListener"}) {
    EXPECT_TRUE(IsReservedEvent(name));
    EXPECT_THAT(Error(absl::StrCat("2[\"", name, "\"]")),
                HasSubstr("reserved name"));
  }
  EXPECT_FALSE(IsReservedEvent("connected"));
  EXPECT_FALSE(IsReservedEvent(""));
}

TEST(Decode, RefusesAckIdsBeyond64Bits) {
  for (const char* text :
       {"218446744073709551616[\"a\"]", "399999999999999999999[]",
        "2/n,18446744073709551616[\"a\"]"}) {
    EXPECT_THAT(Error(text), HasSubstr("ack id beyond 64 bits")) << text;
  }
  EXPECT_THAT(Error("3" + std::string(100000, '9') + "[]"),
              HasSubstr("ack id beyond 64 bits"));
  EXPECT_EQ(Decode("3000[]")->ack_id, 0u);
  EXPECT_THAT(Error("3-1[]"), HasSubstr("not JSON"));
  EXPECT_THAT(Error("31.5[]"), HasSubstr("not JSON"));
}

TEST(Decode, BoundsAttachments) {
  for (const char* text :
       {"517-[\"a\"]", "518446744073709551616-[\"a\"]", "6999999-1[]"}) {
    EXPECT_THAT(Error(text), HasSubstr("more than 16 binary attachments"))
        << text;
  }
  for (const char* text : {"5", "51", "5[\"a\"]", "51[\"a\"]", "5-[\"a\"]",
                           "5/n,[\"a\"]", "6", "61[]", "51.5-[\"a\"]"}) {
    EXPECT_THAT(Error(text), HasSubstr("without its number of attachments"))
        << text;
  }
}

TEST(Decode, BoundsNamespaces) {
  const std::string longest = "/" + std::string(254, 'n');
  EXPECT_EQ(Decode("1" + longest + ",")->nsp, longest);
  EXPECT_THAT(Error("1" + longest + "n,"), HasSubstr("more than 255 bytes"));
  EXPECT_THAT(Error("1/" + std::string(100000, 'n')),
              HasSubstr("more than 255 bytes"));
}

TEST(Decode, RefusesWhatIsNoJson) {
  for (const char* text : {"2[\"a\"", "2[\"a\"]]", "2[\"a\",]", "2[\"a\"] x",
                           "2a", "0{", "4{\"message\":", "1 x"}) {
    EXPECT_THAT(Error(text), HasSubstr("not JSON: a syntax error")) << text;
  }
  EXPECT_THAT(Error("2[\"\xff\"]"), HasSubstr("ill-formed UTF-8"));
  EXPECT_THAT(Error("2[\"a\",1e400]"), HasSubstr("too large for a double"));
}

TEST(Decode, BoundsDepth) {
  const auto event = [](int depth) {
    return absl::StrCat("2[\"a\",", std::string(depth, '['),
                        std::string(depth, ']'), "]");
  };
  EXPECT_TRUE(Decode(event(63)).ok());
  EXPECT_THAT(Error(event(64)), HasSubstr("nested 65 deep"));
  EXPECT_THAT(Error(event(100000)), HasSubstr("nested 100001 deep"));
}

TEST(Decode, TakesRepeatedMembersAndOddNumbersAsJavaScriptDoes) {
  const absl::StatusOr<Packet> packet =
      Decode(R"(2["a",{"id":1,"id":2},-0,9007199254740993])");
  ASSERT_TRUE(packet.ok()) << packet.status();
  EXPECT_EQ((*packet->data)[1], (json{{"id", 2}}));
  EXPECT_EQ((*packet->data)[2], 0);
  EXPECT_EQ((*packet->data)[3], 9007199254740993);
}

TEST(Decode, SurvivesAnEmojiCutInHalf) {
  const absl::StatusOr<Packet> packet = Decode(R"(2["a","cut \ud83d"])");
  ASSERT_TRUE(packet.ok()) << packet.status();
  EXPECT_EQ((*packet->data)[1], "cut \uFFFD");
}

TEST(Decode, DoesNotQuoteThePacket) {
  for (const char* text : {"2[\"private\"", "0\"private\"", "2[[\"private\"]]",
                           "1\"private\"", "xprivate"}) {
    EXPECT_THAT(Error(text), Not(HasSubstr("private")));
  }
}

TEST(Encode, ReplacesBrokenUtf8) {
  EXPECT_EQ(Encode(Make(PacketType::kEvent, json{"a", "\xc3("})),
            "2[\"a\",\"\uFFFD(\"]");
}

}  // namespace
}  // namespace parley::socketio
