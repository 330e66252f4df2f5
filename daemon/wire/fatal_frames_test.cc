#include "daemon/wire/fatal_frames.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/socketio/packet.h"
#include "daemon/wire/dialect.h"
#include "daemon/wire/random_content.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

const base::WallTime kNow = absl::FromUnixMillis(1795559531518);

std::string Why(absl::string_view frame) { return WhyFatal(frame, kNow); }

std::string Text(size_t characters) {
  std::string text;
  for (size_t i = 0; i < characters; ++i) text += "é";
  return text;
}

std::string Token(const json& claims) {
  std::string part;
  absl::WebSafeBase64Escape(claims.dump(), &part);
  return absl::StrCat("e30.", part, ".x");
}

TEST(WhyFatalTest, FramesThatAServerSurvives) {
  for (const std::string& frame : {
           std::string("2"),
           std::string("3"),
           std::string("2probe"),
           std::string("41"),
           std::string(""),
           std::string("1"),
           std::string(R"(40{"token":"x.y.z"})"),
           std::string(R"(40/chat,{})"),
           std::string(R"(431[])"),
           std::string(R"(42["ping"])"),
           std::string(R"(42["ping",null,7])"),
           std::string(R"(4217["auth:refresh",{"token":"x"}])"),
           std::string(R"(420["room:join",{"roomName":"a\u0000b"}])"),
           std::string(R"(42/chat,12["room:leave",{}])"),
           std::string(R"(42["message:send",{"content":"\u0000"}])"),
           std::string(
               R"(451-6["message:send",{"content":{"_placeholder":true}}])"),
           std::string(R"(42["typing:start",{"roomName":"r"}])"),
           absl::StrCat(R"(42["typing:stop",{"threadId":")", Text(255),
                        R"("}])"),
           std::string(R"(42["pong",{"timestamp":1795559531518}])"),
           std::string(R"(42["pong",{"timestamp":1793412047871}])"),
           std::string(R"(42["presence:update",{}])"),
           absl::StrCat(R"(42["presence:update",{"status":")", Text(20),
                        R"(","customStatus":{"text":"é","emoji":")", Text(100),
                        R"(","expiresAt":"2026-11-25T13:50:59.3Z"}}])"),
           std::string(
               R"(42["presence:update",{"status":null,"customStatus":null}])"),
       }) {
    EXPECT_EQ(Why(frame), "") << frame;
  }
}

TEST(WhyFatalTest, FramesThatItDiesOf) {
  const struct {
    std::string frame;
    const char* why;
  } cases[] = {
      {R"(42["typing:start"])", "typing:start without an object"},
      {R"(42["typing:stop",null])", "typing:stop without an object"},
      {R"(427["typing:start",{"roomName":"a\u0000"}])", "roomName has a NUL"},
      {R"(42["typing:stop",{"threadId":"\u0000"}])", "threadId has a NUL"},
      {absl::StrCat(R"(42["typing:start",{"threadId":")", Text(256), R"("}])"),
       "threadId is longer than 255"},
      {R"(42["pong"])", "pong without an object"},
      {R"(42["pong",{}])", "timestamp is no number"},
      {R"(42["pong",{"timestamp":"1795559531518"}])", "timestamp is no number"},
      {R"(42["pong",{"timestamp":1795559531518.5}])", "no whole number"},
      {R"(42["pong",{"timestamp":1}])", "too far"},
      {R"(42["pong",{"timestamp":1793412047870}])", "too far"},
      {R"(42["pong",{"timestamp":1e300}])", "too far"},
      {R"(42["presence:update"])", "presence:update without an object"},
      {absl::StrCat(R"(42["presence:update",{"status":")", Text(21), R"("}])"),
       "status is longer than 20"},
      {R"(42["presence:update",{"status":"\u0000"}])", "status has a NUL"},
      {R"(42["presence:update",{"customStatus":"x"}])", "no object"},
      {R"(42["presence:update",{"customStatus":{"text":"\u0000"}}])",
       "text has a NUL"},
      {absl::StrCat(R"(42["presence:update",{"customStatus":{"emoji":")",
                    Text(101), R"("}}])"),
       "emoji is longer"},
      {R"(42["presence:update",{"customStatus":{"expiresAt":"soon"}}])",
       "expiresAt is no time"},
      {R"(420["room:join",{"roomName":"r"},"x"])", "a second argument"},
      {R"(42["room:leave",{"roomName":"r"},null])", "a second argument"},
      {R"(42["message:send",{"roomName":"r"},{}])", "a second argument"},
      {R"(451-0["message:send",{},{"_placeholder":true,"num":0}])",
       "a second argument"},
      {R"(42["message:send",null])", "message:send without an object"},
      {R"(40{"device":{"os":["a\u0000"]}})", "CONNECT: device has a NUL"},
      {R"(40{"device":{"\u0000":1}})", "CONNECT: device has a NUL"},
      {absl::StrCat(R"(40{"sourceAccountId":")", Text(129), R"("})"),
       "CONNECT: sourceAccountId is longer"},
      {absl::StrCat(R"(40{"token":")", Token({{"userId", Text(256)}}), R"("})"),
       "CONNECT: userId is longer"},
      {absl::StrCat(R"(40{"token":")",
                    Token({{"userId", "a"}, {"sessionId", Text(256)}}),
                    R"("})"),
       "CONNECT: sessionId is longer"},
      {"40", "cannot be read"},
      {"42[", "cannot be read"},
      {"42{}", "begins with its name"},
      {"4", "without content"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Why(c.frame), testing::HasSubstr(c.why)) << c.frame;
  }
}

std::string Frame(const Request& request) {
  socketio::Packet packet;
  packet.ack_id = 7;
  packet.data = json::array({request.event, request.payload});
  return absl::StrCat("4", socketio::Encode(packet));
}

// Whatever people write, and on whichever server: before the ready event it is
// not known which one it is.
TEST(WhatIsSentTest, IsNeverFatal) {
  base::Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    const model::RoomId room(
        "r" + RandomText(&rng, rng.Below(model::kMaxRoomIdBytes), false));
    const model::MessageContent content = RandomContent(&rng);
    SendOptions options;
    options.possible_duplicate = rng.OneIn(2);
    if (rng.OneIn(2)) options.after = model::ClientMessageId("c0");
    for (const model::Dialect kind :
         {model::Dialect::kFull, model::Dialect::kPlugin}) {
      const Dialect& dialect = DialectFor(kind);
      for (const Request& request :
           {EncodePing(), EncodeAuthRefresh("a.b.c"), dialect.EncodeJoin(room),
            dialect.EncodeLeave(room),
            dialect.EncodeSend(room, model::ClientMessageId("c1"), content,
                               options)}) {
        const std::string frame = Frame(request);
        ASSERT_EQ(Why(frame), "") << frame;
      }
    }
    DeviceInfo device;
    device.os = RandomText(&rng, 40, /*allow_nul=*/true);
    const std::string auth =
        absl::StrCat("40", EncodeAuth(Token({{"userId", "alice"}}), device));
    ASSERT_EQ(Why(auth), "") << auth;
  }
}

}  // namespace
}  // namespace parley::wire
