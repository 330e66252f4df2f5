#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/socketio/packet.h"
#include "daemon/wire/dialect.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

// What such a server was seen to send, frame by frame.
namespace parley::wire {
namespace {

using nlohmann::json;

const Dialect& Plugin() { return DialectFor(model::Dialect::kPlugin); }

socketio::Packet Packet(absl::string_view frame) {
  EXPECT_EQ(frame.substr(0, 1), "4");
  const absl::StatusOr<socketio::Packet> packet =
      socketio::Decode(frame.substr(1));
  EXPECT_TRUE(packet.ok()) << frame << packet.status();
  return packet.value_or(socketio::Packet());
}

ServerEvent Event(absl::string_view frame) {
  const socketio::Packet packet = Packet(frame);
  EXPECT_EQ(packet.type, socketio::PacketType::kEvent) << frame;
  json args = packet.data.value_or(json::array({""}));
  const std::string name = args.front().get<std::string>();
  args.erase(args.begin());
  return Plugin().DecodeEvent(name, args);
}

template <typename T>
T EventOf(absl::string_view frame) {
  const ServerEvent event = Event(frame);
  const T* found = std::get_if<T>(&event);
  EXPECT_NE(found, nullptr) << frame;
  return found == nullptr ? T() : *found;
}

Answer AnswerOf(absl::string_view frame) {
  const socketio::Packet packet = Packet(frame);
  EXPECT_EQ(packet.type, socketio::PacketType::kAck) << frame;
  return Plugin().DecodeAnswer(packet.data.value_or(json()));
}

TEST(PluginDialectTest, ReadyPromisesNothing) {
  const auto ready = EventOf<Ready>(
      R"(42["connected",{"socketId":"ikECwaYsqsN2G0eoAAAA",)"
      R"("serverTime":"2026-11-24T22:32:07.808Z","protocolVersion":"1.0"}])");
  EXPECT_TRUE(ready.user.empty());
  EXPECT_EQ(ready.server_time, absl::FromUnixMillis(1795559527808));
  const model::ServerCapabilities& can = ready.capabilities;
  EXPECT_EQ(can.dialect, model::Dialect::kPlugin);
  EXPECT_EQ(can.protocol_version, "1.0");
  EXPECT_FALSE(can.message_ids || can.deduplicates || can.history ||
               can.durable_membership || can.ordered_sends);
  EXPECT_EQ(can.ordered_window, 1u);
  EXPECT_TRUE(can.advertised.empty());
}

TEST(PluginDialectTest, MessagesWithAndWithoutTheirParts) {
  const model::Message full =
      EventOf<MessageReceived>(
          R"(42["message:new",{"roomName":"general","userId":"alice",)"
          R"("content":"hi é😀","threadId":"th1",)"
          R"("timestamp":"2026-11-24T22:32:10.105Z",)"
          R"("metadata":{"clientMessageId":"c1"}}])")
          .message;
  EXPECT_EQ(full.sender, model::UserId("alice"));
  EXPECT_EQ(full.content.text, "hi é😀");
  EXPECT_EQ(full.content.thread, model::ThreadId("th1"));
  EXPECT_TRUE(full.id.empty());
  // Another client's own entry, not ours.
  EXPECT_TRUE(full.client_id.empty());
  EXPECT_EQ(full.content.metadata.at("clientMessageId"), "c1");

  // From nobody, with nothing in it.
  const model::Message least =
      EventOf<MessageReceived>(R"(42["message:new",{"roomName":"general",)"
                               R"("timestamp":"2026-11-24T22:32:10.105Z"}])")
          .message;
  EXPECT_TRUE(least.sender.empty());
  EXPECT_TRUE(least.content == model::MessageContent());
}

// Programs that send text as binary data cannot be read, and do no harm.
TEST(PluginDialectTest, ContentThatIsNoText) {
  const auto bad = EventOf<MalformedEvent>(
      R"(42["message:new",{"roomName":"general","content":)"
      R"({"_placeholder":true,"num":0},)"
      R"("timestamp":"2026-11-24T22:32:10.105Z"}])");
  EXPECT_EQ(bad.problem, "content is no string");
}

TEST(PluginDialectTest, MembersWithAndWithoutAName) {
  const auto joined = EventOf<MemberChanged>(
      R"(42["user:joined",{"roomName":"general","userId":"bob"}])");
  EXPECT_TRUE(joined.joined);
  EXPECT_EQ(joined.user, model::UserId("bob"));
  const auto left =
      EventOf<MemberChanged>(R"(42["user:left",{"roomName":"general"}])");
  EXPECT_FALSE(left.joined);
  EXPECT_TRUE(left.user.empty());
}

TEST(PluginDialectTest, PresenceAndTypingAreNeverMalformed) {
  for (const char* frame : {
           R"(42["presence:changed",{"userId":"alice","status":"online",)"
           R"("customStatus":null,"customEmoji":null}])",
           R"(42["presence:changed",{"userId":"alice","status":"busy",)"
           R"("customStatus":"wk","customEmoji":":x:"}])",
           R"(42["presence:changed",{"userId":"alice","status":"offline"}])",
           R"(42["typing:event",{"roomName":"general","threadId":"th1",)"
           R"("users":[{"userId":"alice",)"
           R"("startedAt":"2026-11-24T22:32:09.195Z"}]}])",
           R"(42["typing:event",{"roomName":"general","users":)"
           R"([{"userId":"a","startedAt":"2026-11-24T22:32:09.195Z"},)"
           R"({"userId":"a","startedAt":"2026-11-24T22:32:09.195Z"}]}])",
           R"(42["typing:event",{"roomName":"general","users":[]}])",
       }) {
    const ServerEvent event = Event(frame);
    EXPECT_EQ(std::get_if<MalformedEvent>(&event), nullptr) << frame;
  }
}

// It is all the answer that a ping gets.
TEST(PluginDialectTest, Pong) {
  EventOf<PongReceived>(R"(42["pong",{"timestamp":1795559531518}])");
}

TEST(PluginDialectTest, Answers) {
  const Answer sent = AnswerOf(R"(435[{"success":true}])");
  EXPECT_FALSE(sent.error.has_value());
  const SendResult result = Plugin().DecodeSendResult(sent.data);
  EXPECT_TRUE(result.id.empty());
  EXPECT_EQ(result.room_seq, 0u);
  EXPECT_EQ(result.sent_at, std::nullopt);
  EXPECT_FALSE(result.duplicate);

  const Answer joined = AnswerOf(
      R"(431[{"success":true,"data":{"roomName":"general","memberCount":2}}])");
  ASSERT_FALSE(joined.error.has_value());
  const JoinResult room = Plugin().DecodeJoinResult(joined.data);
  EXPECT_EQ(room.member_count, 2u);
  EXPECT_EQ(room.kind, model::RoomKind::kUnknown);

  const Answer left = AnswerOf(R"(432[{"success":true}])");
  EXPECT_FALSE(left.error.has_value());

  const Answer nowhere =
      AnswerOf(R"(432[{"success":false,"error":{"code":"ROOM_NOT_FOUND",)"
               R"("message":"Room not found"}}])");
  ASSERT_TRUE(nowhere.error.has_value());
  EXPECT_EQ(nowhere.error->error_class, ErrorClass::kPermanent);
  EXPECT_EQ(nowhere.error->code, "ROOM_NOT_FOUND");

  const Answer failed =
      AnswerOf(R"(433[{"success":false,"error":{"code":"INTERNAL_ERROR",)"
               R"("message":"Failed to join room"}}])");
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->error_class, ErrorClass::kTransient);
}

}  // namespace
}  // namespace parley::wire
