#include <cstdint>
#include <limits>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/base/json.h"
#include "daemon/base/rng.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/model/message.h"
#include "daemon/socketio/packet.h"
#include "daemon/wire/dialect.h"
#include "daemon/wire/random_content.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

// Properties of sends over random contents, in both dialects.
namespace parley::wire {
namespace {

using nlohmann::json;

constexpr int kRounds = 300;

struct Send {
  model::RoomId room;
  model::ClientMessageId client_id;
  model::MessageContent content;
  SendOptions options;
};

std::string RandomClientId(base::Rng* rng) {
  std::string id;
  const uint64_t size = rng->Between(1, model::kMaxClientMessageIdBytes);
  for (uint64_t i = 0; i < size; ++i) {
    id.push_back(rng->OneIn(4) ? '"'
                               : static_cast<char>(rng->Between('!', '~')));
  }
  return id;
}

Send RandomSend(base::Rng* rng) {
  Send send;
  send.room = model::RoomId(
      "r" + RandomText(rng, rng->Below(model::kMaxRoomIdBytes), false));
  send.client_id = model::ClientMessageId(RandomClientId(rng));
  send.content = RandomContent(rng);
  if (rng->OneIn(2)) {
    send.options.after = model::ClientMessageId(RandomClientId(rng));
  }
  send.options.possible_duplicate = rng->OneIn(4);
  return send;
}

// As text and back, as everything travels.
json Transmit(const json& value) {
  const auto parsed =
      base::ParseJson(base::DumpJson(value), socketio::kMaxJsonDepth);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.value_or(json());
}

// What a server of the full dialect makes of a send.
json FullEcho(const json& payload) {
  json echo = payload;
  echo.erase("channelId");
  echo.erase("after");
  echo["messageId"] = "m1";
  echo["seq"] = 7;
  echo["userId"] = "alice";
  echo["timestamp"] = "2026-11-25T13:50:59.380Z";
  return echo;
}

// What a server of the plugin dialect makes of a send: it drops the rest.
json PluginEcho(const json& payload) {
  json echo;
  for (const char* name : {"roomName", "content", "threadId", "metadata"}) {
    if (payload.contains(name)) echo[name] = payload[name];
  }
  echo["userId"] = "alice";
  echo["timestamp"] = "2026-11-25T13:50:59.380Z";
  return echo;
}

model::Message Expected(const Send& send) {
  model::Message message;
  message.room = send.room;
  message.client_id = send.client_id;
  message.sender = model::UserId("alice");
  message.content = send.content;
  message.sent_at = absl::FromUnixMillis(1795614659380);
  message.possible_duplicate = send.options.possible_duplicate;
  return message;
}

void ExpectReceived(const ServerEvent& event, const model::Message& expected) {
  const auto* malformed = std::get_if<MalformedEvent>(&event);
  ASSERT_EQ(malformed, nullptr) << malformed->problem;
  const auto* received = std::get_if<MessageReceived>(&event);
  ASSERT_NE(received, nullptr);
  EXPECT_TRUE(received->message == expected);
}

TEST(RoundTripTest, ContentSurvivesTheFullDialect) {
  base::Rng rng(1);
  const Dialect& dialect = DialectFor(model::Dialect::kFull);
  for (int i = 0; i < kRounds; ++i) {
    SCOPED_TRACE(i);
    const Send send = RandomSend(&rng);
    ASSERT_TRUE(model::ValidateContent(send.content).ok());
    const Request request = dialect.EncodeSend(send.room, send.client_id,
                                               send.content, send.options);
    const json echo = FullEcho(Transmit(request.payload));
    model::Message expected = Expected(send);
    expected.id = model::MessageId("m1");
    expected.room_seq = 7;
    ExpectReceived(
        dialect.DecodeEvent("message:new", json::array({Transmit(echo)})),
        expected);
  }
}

TEST(RoundTripTest, ContentSurvivesThePluginDialect) {
  base::Rng rng(2);
  const Dialect& dialect = DialectFor(model::Dialect::kPlugin);
  for (int i = 0; i < kRounds; ++i) {
    SCOPED_TRACE(i);
    const Send send = RandomSend(&rng);
    const Request request = dialect.EncodeSend(send.room, send.client_id,
                                               send.content, send.options);
    const json echo = PluginEcho(Transmit(request.payload));
    ExpectReceived(
        dialect.DecodeEvent("message:new", json::array({Transmit(echo)})),
        Expected(send));
  }
}

std::string Frame(const Request& request) {
  socketio::Packet packet;
  packet.type = socketio::PacketType::kEvent;
  packet.ack_id = std::numeric_limits<uint64_t>::max();
  packet.data = json::array({request.event, request.payload});
  return absl::StrCat("4", socketio::Encode(packet));
}

TEST(MaxSendFrameBytesTest, BoundsEveryFrameAndIsNotFarOff) {
  base::Rng rng(3);
  for (int i = 0; i < kRounds; ++i) {
    SCOPED_TRACE(i);
    const Send send = RandomSend(&rng);
    const size_t bound =
        MaxSendFrameBytes(send.room, send.client_id, send.content);
    for (const auto kind : {model::Dialect::kFull, model::Dialect::kPlugin}) {
      const std::string frame = Frame(DialectFor(kind).EncodeSend(
          send.room, send.client_id, send.content, send.options));
      EXPECT_LE(frame.size(), bound);
      // Short escapes ("\n") count as long ones, at most six times as much.
      EXPECT_GT(
          frame.size() * 6 + 1024 + 256 * (send.content.attachments.size() + 1),
          bound);
    }
  }
}

TEST(MaxSendFrameBytesTest, OrdinaryTextCostsItsBytes) {
  model::MessageContent content;
  content.text = std::string(60000, 'x');
  const model::ClientMessageId id("0190b5a8-1111-7000-8000-000000000001");
  const size_t bound = MaxSendFrameBytes(model::RoomId("general"), id, content);
  EXPECT_GE(bound, 60000u);
  EXPECT_LE(bound, 61000u);
}

TEST(MaxSendFrameBytesTest, HoldsForTextThatIsNotUtf8) {
  model::MessageContent content;
  content.text = std::string(1000, '\xff');
  const model::RoomId room("general");
  const model::ClientMessageId id("c1");
  const std::string frame = Frame(
      DialectFor(model::Dialect::kFull).EncodeSend(room, id, content, {}));
  EXPECT_LE(frame.size(), MaxSendFrameBytes(room, id, content));
  EXPECT_GE(frame.size(), 3000u);
}

}  // namespace
}  // namespace parley::wire
