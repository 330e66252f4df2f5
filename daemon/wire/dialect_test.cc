#include "daemon/wire/dialect.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/model/message.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

const Dialect& Full() { return DialectFor(model::Dialect::kFull); }
const Dialect& Plugin() { return DialectFor(model::Dialect::kPlugin); }

json FullMessage() {
  return json::parse(R"({
    "roomName": "general", "messageId": "m1", "seq": 3, "userId": "alice",
    "content": "hi", "type": "image", "clientMessageId": "c1",
    "threadId": "th1", "replyTo": "m0", "mentions": ["bob"],
    "attachments": [{"id": "att1", "type": "audio", "name": "meow.ogg",
                     "size": 5, "durationMs": 1500}],
    "metadata": {"client": "x"}, "timestamp": "2026-11-25T13:50:59.380Z"})");
}

model::Message Received(const Dialect& dialect, const json& payload) {
  const ServerEvent event =
      dialect.DecodeEvent("message:new", json::array({payload}));
  if (const auto* bad = std::get_if<MalformedEvent>(&event)) {
    ADD_FAILURE() << bad->problem;
    return {};
  }
  return std::get<MessageReceived>(event).message;
}

std::string Problem(const Dialect& dialect, const json& payload) {
  const ServerEvent event =
      dialect.DecodeEvent("message:new", json::array({payload}));
  const auto* bad = std::get_if<MalformedEvent>(&event);
  if (bad == nullptr) {
    ADD_FAILURE() << payload;
    return "";
  }
  EXPECT_EQ(bad->name, "message:new");
  return bad->problem;
}

TEST(DialectForTest, TrustsAnUnknownServerWithNothing) {
  EXPECT_EQ(Full().kind(), model::Dialect::kFull);
  EXPECT_EQ(Plugin().kind(), model::Dialect::kPlugin);
  EXPECT_EQ(DialectFor(model::Dialect::kUnknown).kind(),
            model::Dialect::kPlugin);
}

TEST(DecodeEventTest, AMessageInFull) {
  const model::Message message = Received(Full(), FullMessage());
  EXPECT_EQ(message.room, model::RoomId("general"));
  EXPECT_EQ(message.id, model::MessageId("m1"));
  EXPECT_EQ(message.client_id, model::ClientMessageId("c1"));
  EXPECT_EQ(message.sender, model::UserId("alice"));
  EXPECT_EQ(message.room_seq, 3u);
  EXPECT_EQ(message.sent_at, absl::FromUnixMillis(1795614659380));
  EXPECT_FALSE(message.possible_duplicate);
  model::MessageContent content;
  content.thread = model::ThreadId("th1");
  content.reply_to = model::MessageId("m0");
  content.type = model::MessageType::kImage;
  content.text = "hi";
  content.mentions = {model::UserId("bob")};
  content.attachments.resize(1);
  content.attachments[0].id = "att1";
  content.attachments[0].type = model::AttachmentType::kAudio;
  content.attachments[0].name = "meow.ogg";
  content.attachments[0].size_bytes = 5;
  content.attachments[0].duration_ms = 1500;
  content.metadata = {{"client", "x"}};
  EXPECT_TRUE(message.content == content);
}

TEST(DecodeEventTest, AForeignClientsMessageOnAPluginServer) {
  const model::Message message =
      Received(Plugin(), json::parse(R"({"roomName":"general","content":"hi",
                                "timestamp":"2026-11-24T22:32:10.105Z"})"));
  EXPECT_TRUE(message.id.empty());
  EXPECT_TRUE(message.client_id.empty());
  EXPECT_TRUE(message.sender.empty());
  EXPECT_EQ(message.room_seq, 0u);
  EXPECT_EQ(message.content.text, "hi");
  EXPECT_EQ(message.content.type, model::MessageType::kText);
}

TEST(DecodeEventTest, EverySpellingOfWhatServersCallDifferently) {
  json payload = FullMessage();
  payload.erase("roomName");
  payload["channelId"] = "general";
  payload.erase("userId");
  payload["user"] = {{"id", "alice"}, {"username", "A"}};
  payload.erase("messageId");
  payload["serverMessageId"] = "m1";
  payload.erase("timestamp");
  payload["createdAt"] = 1795614659380;
  payload.erase("mentions");
  payload["mentionedUserIds"] = {"bob"};
  payload["attachments"][0].erase("name");
  payload["attachments"][0]["filename"] = "meow.ogg";
  EXPECT_TRUE(Received(Full(), payload) == Received(Full(), FullMessage()));
  payload.erase("serverMessageId");
  payload["id"] = "m1";
  EXPECT_TRUE(Received(Full(), payload) == Received(Full(), FullMessage()));
}

TEST(DecodeEventTest, TimesInEveryForm) {
  const auto sent_at = [](const json& time) {
    json payload = FullMessage();
    payload["timestamp"] = time;
    return absl::ToUnixMillis(Received(Full(), payload).sent_at);
  };
  EXPECT_EQ(sent_at("2026-11-25T13:50:59.380Z"), 1795614659380);
  EXPECT_EQ(sent_at("2026-11-25T15:50:59.380+02:00"), 1795614659380);
  EXPECT_EQ(sent_at("2026-11-25T13:50:59.380999Z"), 1795614659380);
  EXPECT_EQ(sent_at("2026-11-25T13:50:59Z"), 1795614659000);
  EXPECT_EQ(sent_at(1795614659380), 1795614659380);
  EXPECT_EQ(sent_at(1795614659380.5), 1795614659380);
  EXPECT_EQ(sent_at(0), 0);
  EXPECT_EQ(sent_at("9999-12-31T23:59:59.999Z"), 253402300799999);
  for (const json& bad :
       {json("noon"), json(""), json("2026-11-25"), json("infinite-future"),
        json("infinite-past"), json("1969-12-31T23:59:59.999Z"),
        json("10000-01-01T00:00:00Z"), json(-1), json(1e300), json(true),
        json::object(), json(std::string(100, '2'))}) {
    json payload = FullMessage();
    payload["timestamp"] = bad;
    EXPECT_THAT(Problem(Full(), payload), testing::StartsWith("timestamp "))
        << bad;
  }
}

TEST(DecodeEventTest, AbsentAndNullAreTheSame) {
  json payload = FullMessage();
  for (const char* name : {"type", "clientMessageId", "threadId", "replyTo",
                           "mentions", "attachments", "metadata", "content"}) {
    payload[name] = nullptr;
  }
  const model::Message message = Received(Full(), payload);
  EXPECT_TRUE(message.client_id.empty());
  EXPECT_TRUE(message.content == model::MessageContent());
}

TEST(DecodeEventTest, AnUnknownTypeIsStillReadable) {
  json payload = FullMessage();
  payload["type"] = "embed";
  payload["attachments"][0]["type"] = "hologram";
  const model::Message message = Received(Full(), payload);
  EXPECT_EQ(message.content.type, model::MessageType::kText);
  EXPECT_EQ(message.content.attachments[0].type, model::AttachmentType::kFile);
}

TEST(DecodeEventTest, MetadataThatIsNoStringIsKeptAsJson) {
  json payload = FullMessage();
  payload["metadata"] = json::parse(
      R"({"s":"x","n":1.5,"b":true,"z":null,"o":{"l":[1,"two"]},"e":"",
          "parley":"not ours"})");
  const std::map<std::string, std::string> expected = {
      {"s", "x"},
      {"n", "1.5"},
      {"b", "true"},
      {"z", "null"},
      {"e", ""},
      {"o", R"({"l":[1,"two"]})"},
      {"parley", "not ours"}};
  EXPECT_EQ(Received(Full(), payload).content.metadata, expected);
  EXPECT_EQ(Received(Plugin(), payload).content.metadata, expected);
}

TEST(DecodeEventTest, TheReservedEntryIsNotTheApplications) {
  json payload = FullMessage();
  payload["metadata"]["parley"] = {{"possibleDuplicate", true},
                                   {"clientMessageId", "forged"}};
  const model::Message full = Received(Full(), payload);
  EXPECT_TRUE(full.possible_duplicate);
  // There the payload says who it is.
  EXPECT_EQ(full.client_id, model::ClientMessageId("c1"));
  EXPECT_EQ(full.content.metadata.size(), 1u);
  EXPECT_EQ(Received(Plugin(), payload).client_id,
            model::ClientMessageId("forged"));
}

struct Spoil {
  const char* problem;  // how it starts
  std::function<void(json*)> change;
};

std::string Text(size_t bytes) { return std::string(bytes, 'x'); }

std::function<void(json*)> Set(const char* name, const json& value) {
  return [name, value](json* payload) { (*payload)[name] = value; };
}

std::function<void(json*)> SetOfAttachment(const char* name,
                                           const json& value) {
  return [name, value](json* payload) {
    (*payload)["attachments"][0][name] = value;
  };
}

std::vector<Spoil> SpoiledIdentities() {
  return {
      {"roomName is missing", [](json* p) { p->erase("roomName"); }},
      {"roomName is missing", Set("roomName", "")},
      {"roomName has 256 bytes", Set("roomName", Text(256))},
      {"roomName has a NUL", Set("roomName", std::string("a\0b", 3))},
      {"roomName is not valid UTF-8", Set("roomName", "\xed\xa0\x80")},
      {"roomName is no string", Set("roomName", 7)},
      {"messageId has 256 bytes", Set("messageId", Text(256))},
      {"messageId is no string", Set("messageId", 7)},
      {"seq is no whole number", Set("seq", -1)},
      {"seq is no whole number", Set("seq", 1.5)},
      {"seq is no whole number", Set("seq", 9007199254740992)},
      {"seq is no whole number", Set("seq", "3")},
      {"userId has 256 bytes", Set("userId", Text(256))},
      {"user.id is no string",
       [](json* p) {
         p->erase("userId");
         (*p)["user"] = {{"id", 1}};
       }},
      {"user is no object",
       [](json* p) {
         p->erase("userId");
         (*p)["user"] = "alice";
       }},
      {"clientMessageId has 129 bytes", Set("clientMessageId", Text(129))},
      {"clientMessageId is no string", Set("clientMessageId", 1)},
      {"timestamp is missing", [](json* p) { p->erase("timestamp"); }},
  };
}

std::vector<Spoil> SpoiledContents() {
  return {
      {"content has 1048577 bytes", Set("content", Text(1048577))},
      {"content is no string", Set("content", json::object())},
      {"content is not valid UTF-8", Set("content", "\xff")},
      {"threadId has 256 bytes", Set("threadId", Text(256))},
      {"replyTo has 256 bytes", Set("replyTo", Text(256))},
      {"type is no string", Set("type", 1)},
  };
}

TEST(DecodeEventTest, WhatMakesNoSenseIsMalformed) {
  std::vector<Spoil> spoils = SpoiledIdentities();
  const std::vector<Spoil> more = SpoiledContents();
  spoils.insert(spoils.end(), more.begin(), more.end());
  for (size_t i = 0; i < spoils.size(); ++i) {
    for (const Dialect* dialect : {&Full(), &Plugin()}) {
      json payload = FullMessage();
      spoils[i].change(&payload);
      EXPECT_THAT(Problem(*dialect, payload),
                  testing::StartsWith(spoils[i].problem))
          << i;
    }
  }
}

// What is left of a message one part of which was spoiled by `change`.
model::MessageContent Rest(const Dialect& dialect,
                           const std::function<void(json*)>& change) {
  json payload = FullMessage();
  change(&payload);
  return Received(dialect, payload).content;
}

TEST(DecodeEventTest, NonsenseInWhatGoesWithAMessageIsLeftOut) {
  for (const Dialect* dialect : {&Full(), &Plugin()}) {
    const model::MessageContent whole = Rest(*dialect, [](json*) {});
    for (const json& bad : {json("bob"), json(101, json("bob")),
                            json::array({1}), json(1, Text(256))}) {
      model::MessageContent expected = whole;
      expected.mentions.clear();
      EXPECT_EQ(Rest(*dialect, Set("mentions", bad)), expected) << bad.dump();
    }
    EXPECT_EQ(Rest(*dialect, Set("mentions", {"bob", 1, "eve"})).mentions,
              (std::vector<model::UserId>{model::UserId("bob"),
                                          model::UserId("eve")}));
    for (const json& bad :
         {json::object(), json(33, json::object()), json(1, json(1))}) {
      model::MessageContent expected = whole;
      expected.attachments.clear();
      EXPECT_EQ(Rest(*dialect, Set("attachments", bad)), expected);
    }
    for (const json& bad : {json::array(), json("x"), json(1)}) {
      model::MessageContent expected = whole;
      expected.metadata.clear();
      EXPECT_EQ(Rest(*dialect, Set("metadata", bad)), expected);
    }
  }
}

TEST(DecodeEventTest, AnAttachmentThatMakesNoSenseIsLeftOut) {
  const std::pair<const char*, json> bad[] = {
      {"id", 1},       {"name", Text(256)},     {"url", Text(2049)},
      {"size", 1e300}, {"mimeType", Text(256)}, {"width", 4294967296},
      {"height", -1},  {"durationMs", 0.5},     {"thumbnailUrl", Text(2049)},
  };
  for (const auto& [member, value] : bad) {
    const model::MessageContent rest =
        Rest(Full(), SetOfAttachment(member, value));
    EXPECT_TRUE(rest.attachments.empty()) << member;
    EXPECT_FALSE(rest.text.empty());
  }
  json payload = FullMessage();
  payload["attachments"].push_back(1);
  EXPECT_EQ(Received(Full(), payload).content.attachments.size(), 1u);
}

TEST(DecodeEventTest, AMetadataEntryThatMakesNoSenseIsLeftOut) {
  json payload = FullMessage();
  payload["metadata"] = {{"good", "x"},
                         {Text(129), 1},
                         {"long", Text(4097)},
                         // "[1,1,...]" of 4097 bytes.
                         {"list", json(2048, json(1))},
                         {"parley", {{"possibleDuplicate", 1}}}};
  const model::Message message = Received(Full(), payload);
  EXPECT_EQ(message.content.metadata,
            (std::map<std::string, std::string>{{"good", "x"}}));
  EXPECT_FALSE(message.possible_duplicate);
  payload["metadata"] = json::object();
  for (int i = 0; i < 100; ++i) payload["metadata"][absl::StrCat(i)] = "1";
  EXPECT_EQ(Received(Full(), payload).content.metadata.size(), 64u);
}

TEST(DecodeEventTest, TheLimitsThemselvesAreAccepted) {
  json payload = FullMessage();
  payload["roomName"] = Text(model::kMaxRoomIdBytes);
  payload["clientMessageId"] = Text(model::kMaxClientMessageIdBytes);
  payload["content"] = Text(model::kMaxReceivedTextBytes);
  payload["seq"] = 9007199254740991;
  payload["mentions"] = json(model::kMaxMentions, json("bob"));
  payload["attachments"] =
      json(model::kMaxAttachments, FullMessage()["attachments"][0]);
  payload["attachments"][0]["url"] = Text(model::kMaxUrlBytes);
  payload["attachments"][0]["width"] = 4294967295;
  payload["metadata"] = json::object();
  for (int i = 0; i < 64; ++i) {
    payload["metadata"][absl::StrCat(i)] = Text(model::kMaxMetadataValueBytes);
  }
  const model::Message message = Received(Full(), payload);
  EXPECT_EQ(message.content.text.size(), model::kMaxReceivedTextBytes);
  EXPECT_EQ(message.content.metadata.size(), 64u);
  EXPECT_EQ(message.content.attachments[0].width_px, 4294967295u);
}

TEST(DecodeEventTest, OnlyTheFullDialectNeedsAnId) {
  json payload = FullMessage();
  payload.erase("messageId");
  EXPECT_EQ(Problem(Full(), payload), "messageId is missing");
  EXPECT_TRUE(Received(Plugin(), payload).id.empty());
}

TEST(DecodeEventTest, ThePluginDialectLooksIntoTheMetadataFirst) {
  const json payload = json::parse(R"({
    "roomName": "general", "content": "hi", "userId": "alice",
    "timestamp": "2026-11-24T22:32:10.105Z", "replyTo": "ignored",
    "metadata": {"mine": "x", "parley": {
        "clientMessageId": "c1", "type": "voice", "replyTo": "m0",
        "mentions": ["bob"], "attachments": [{"id": "a", "name": "n"}]}}})");
  const model::Message message = Received(Plugin(), payload);
  EXPECT_EQ(message.client_id, model::ClientMessageId("c1"));
  EXPECT_EQ(message.content.type, model::MessageType::kVoice);
  EXPECT_EQ(message.content.reply_to, model::MessageId("m0"));
  EXPECT_EQ(message.content.mentions.size(), 1u);
  EXPECT_EQ(message.content.attachments.size(), 1u);
  EXPECT_EQ(message.content.metadata.size(), 1u);
}

TEST(DecodeEventTest, MembersComeAndGo) {
  const struct {
    const char* name;
    const char* payload;
    bool joined;
  } cases[] = {
      {"user:joined", R"([{"roomName":"r","userId":"bob"}])", true},
      {"user:left", R"([{"roomName":"r","userId":"bob"}, 1])", false},
      {"channel:member_join", R"([{"channelId":"r","user":{"id":"bob"}}])",
       true},
      {"channel:member_leave", R"([{"channelId":"r","userId":"bob"}])", false},
  };
  for (const auto& c : cases) {
    const ServerEvent event =
        Full().DecodeEvent(c.name, json::parse(c.payload));
    const auto* changed = std::get_if<MemberChanged>(&event);
    ASSERT_NE(changed, nullptr) << c.name;
    EXPECT_EQ(changed->room, model::RoomId("r"));
    EXPECT_EQ(changed->user, model::UserId("bob"));
    EXPECT_EQ(changed->joined, c.joined);
  }
  // A user without a name, as plugin servers have them.
  const ServerEvent anonymous =
      Plugin().DecodeEvent("user:joined", json::parse(R"([{"roomName":"r"}])"));
  ASSERT_NE(std::get_if<MemberChanged>(&anonymous), nullptr);
  const ServerEvent bad =
      Full().DecodeEvent("user:left", json::parse(R"([{"userId":"bob"}])"));
  ASSERT_NE(std::get_if<MalformedEvent>(&bad), nullptr);
  EXPECT_EQ(std::get<MalformedEvent>(bad).problem, "roomName is missing");
}

TEST(DecodeEventTest, PayloadsThatAreNoObject) {
  for (const char* name :
       {"connected", "message:new", "user:joined", "user:left"}) {
    for (const char* args : {"null", "{}", "[]", "[null]", "[[]]", "[\"x\"]"}) {
      const ServerEvent event = Full().DecodeEvent(name, json::parse(args));
      const auto* bad = std::get_if<MalformedEvent>(&event);
      ASSERT_NE(bad, nullptr) << name << args;
      EXPECT_EQ(bad->name, name);
      EXPECT_EQ(bad->problem, "the payload is no object");
    }
  }
}

TEST(DecodeEventTest, UnknownEventsAreNoErrors) {
  for (const char* name :
       {"authenticated", "presence:changed", "", "Connected", "message:new "}) {
    const ServerEvent event = Full().DecodeEvent(name, json::parse("[null]"));
    ASSERT_NE(std::get_if<UnknownEvent>(&event), nullptr) << name;
    EXPECT_EQ(std::get<UnknownEvent>(event).name, name);
  }
  const ServerEvent event =
      Full().DecodeEvent(std::string(100000, 'n'), json::array());
  EXPECT_EQ(std::get<UnknownEvent>(event).name.size(), 128u);
}

TEST(EncodeTest, Rooms) {
  for (const Dialect* dialect : {&Full(), &Plugin()}) {
    const Request join = dialect->EncodeJoin(model::RoomId("général"));
    EXPECT_EQ(join.event, "room:join");
    EXPECT_EQ(join.payload, json({{"roomName", "général"}}));
    const Request leave = dialect->EncodeLeave(model::RoomId("r"));
    EXPECT_EQ(leave.event, "room:leave");
    EXPECT_EQ(leave.payload, json({{"roomName", "r"}}));
  }
}

TEST(EncodeTest, ASendOnTheFullDialect) {
  model::MessageContent content;
  content.text = "hi";
  SendOptions options;
  const auto send = [&] {
    return Full().EncodeSend(model::RoomId("r"), model::ClientMessageId("c2"),
                             content, options);
  };
  EXPECT_EQ(send().event, "message:send");
  EXPECT_EQ(send().payload,
            json::parse(R"({"roomName":"r","channelId":"r","content":"hi",
                            "type":"text","clientMessageId":"c2"})"));
  options.after = model::ClientMessageId("c1");
  options.possible_duplicate = true;
  content.metadata = {{"k", "1"}};
  EXPECT_EQ(send().payload,
            json::parse(R"({"roomName":"r","channelId":"r","content":"hi",
                            "type":"text","clientMessageId":"c2","after":"c1",
                            "metadata":{"k":"1","parley":{
                                "possibleDuplicate":true}}})"));
}

TEST(EncodeTest, ASendOnThePluginDialect) {
  model::MessageContent content;
  content.text = "hi";
  content.thread = model::ThreadId("th1");
  content.reply_to = model::MessageId("m0");
  content.mentions = {model::UserId("bob")};
  content.metadata = {{"k", "1"}};
  SendOptions options;
  options.after = model::ClientMessageId("c1");
  const Request request = Plugin().EncodeSend(
      model::RoomId("r"), model::ClientMessageId("c2"), content, options);
  EXPECT_EQ(request.payload,
            json::parse(R"({"roomName":"r","channelId":"r","content":"hi",
                            "clientMessageId":"c2","threadId":"th1",
                            "metadata":{"k":"1","parley":{
                                "clientMessageId":"c2","type":"text",
                                "replyTo":"m0","mentions":["bob"]}}})"));
}

TEST(EncodeAuthTest, CarriesTokenAndDevice) {
  EXPECT_EQ(
      json::parse(EncodeAuth("a.b.c", {"desktop", "Linux", "parley", "1.2"})),
      json::parse(R"({"token":"a.b.c","device":{"type":"desktop",
                            "os":"Linux","app":"parley",
                            "version":"1.2"}})"));
}

TEST(EncodeAuthTest, NeverSendsANul) {
  DeviceInfo device;
  device.os = std::string("Li\0nux\xff", 7);
  const std::string auth = EncodeAuth("a\"b", device);
  const json parsed = json::parse(auth);
  EXPECT_EQ(parsed["token"], "a\"b");
  EXPECT_EQ(parsed["device"]["os"], "Linux\xef\xbf\xbd");
}

}  // namespace
}  // namespace parley::wire
