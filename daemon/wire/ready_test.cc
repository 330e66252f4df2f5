#include "daemon/wire/ready.h"

#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/ids.h"
#include "daemon/model/limits.h"
#include "daemon/wire/dialect.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

json FullReady() {
  return json::parse(R"({
    "socketId": "s", "userId": "alice",
    "serverTime": "2026-11-25T13:50:59.380Z", "protocolVersion": "2.0",
    "capabilities": ["send.ordered", "ack.message-id", "x.future",
                     "dedup.client-message-id", "history.cursor",
                     "rooms.membership"],
    "historyEpoch": "e1",
    "limits": {"maxMessageBytes": 65536, "orderedWindow": 16}})");
}

Ready Decoded(const json& payload) {
  Ready ready;
  std::string problem;
  EXPECT_TRUE(DecodeReady(payload, &ready, &problem)) << problem;
  return ready;
}

std::string Problem(const json& payload) {
  Ready ready;
  std::string problem;
  EXPECT_FALSE(DecodeReady(payload, &ready, &problem)) << payload;
  return problem;
}

TEST(DecodeReadyTest, FullDialect) {
  const Ready ready = Decoded(FullReady());
  EXPECT_EQ(ready.user, model::UserId("alice"));
  EXPECT_EQ(ready.server_time, absl::FromUnixMillis(1795614659380));
  const model::ServerCapabilities& c = ready.capabilities;
  EXPECT_EQ(c.dialect, model::Dialect::kFull);
  EXPECT_EQ(c.protocol_version, "2.0");
  EXPECT_EQ(c.history_epoch, "e1");
  EXPECT_TRUE(c.message_ids && c.deduplicates && c.history &&
              c.durable_membership && c.ordered_sends);
  EXPECT_EQ(c.ordered_window, 16u);
  EXPECT_EQ(c.max_text_bytes, 65536u);
  EXPECT_EQ(c.max_payload_bytes, model::kDefaultServerMaxPayloadBytes);
  EXPECT_THAT(c.advertised,
              testing::ElementsAre("ack.message-id", "dedup.client-message-id",
                                   "history.cursor", "rooms.membership",
                                   "send.ordered", "x.future"));
}

TEST(DecodeReadyTest, EachCapabilityStandsAlone) {
  json payload = FullReady();
  payload["capabilities"] = json::array();
  const model::ServerCapabilities none = Decoded(payload).capabilities;
  EXPECT_EQ(none.dialect, model::Dialect::kFull);
  EXPECT_FALSE(none.message_ids || none.deduplicates || none.history ||
               none.durable_membership || none.ordered_sends);
  EXPECT_EQ(none.ordered_window, 1u);
  EXPECT_EQ(none.history_epoch, "");

  payload["capabilities"] = {"send.ordered"};
  EXPECT_TRUE(Decoded(payload).capabilities.ordered_sends);
  payload["capabilities"] = {"ack.message-id"};
  EXPECT_TRUE(Decoded(payload).capabilities.message_ids);
  payload["capabilities"] = {"dedup.client-message-id"};
  EXPECT_TRUE(Decoded(payload).capabilities.deduplicates);
  payload["capabilities"] = {"rooms.membership"};
  EXPECT_TRUE(Decoded(payload).capabilities.durable_membership);
  payload["capabilities"] = {"history.cursor"};
  EXPECT_TRUE(Decoded(payload).capabilities.history);
  payload["historyEpoch"] = "";
  EXPECT_FALSE(Decoded(payload).capabilities.history);
}

TEST(DecodeReadyTest, PluginDialect) {
  const Ready ready = Decoded(json::parse(
      R"({"socketId":"s","serverTime":"2026-11-24T22:32:07.808Z",
          "protocolVersion":"1.0"})"));
  EXPECT_TRUE(ready.user.empty());
  const model::ServerCapabilities& c = ready.capabilities;
  EXPECT_EQ(c.dialect, model::Dialect::kPlugin);
  EXPECT_EQ(c.protocol_version, "1.0");
  EXPECT_FALSE(c.message_ids || c.deduplicates || c.history ||
               c.durable_membership || c.ordered_sends);
  EXPECT_EQ(c.ordered_window, 1u);
  EXPECT_TRUE(c.advertised.empty());
  EXPECT_EQ(
      Decoded(json::parse(R"({"userId":"bob","capabilities":null})")).user,
      model::UserId("bob"));
}

TEST(DecodeReadyTest, TheWindowIsBounded) {
  json payload = FullReady();
  payload["limits"]["orderedWindow"] = 1000000;
  EXPECT_EQ(Decoded(payload).capabilities.ordered_window,
            model::kMaxOrderedWindow);
  payload["limits"]["orderedWindow"] = 0;
  EXPECT_EQ(Decoded(payload).capabilities.ordered_window, 1u);
  payload.erase("limits");
  EXPECT_EQ(Decoded(payload).capabilities.ordered_window, 1u);
  EXPECT_EQ(Decoded(payload).capabilities.max_text_bytes, 0u);
}

TEST(DecodeReadyTest, RefusesWhatMakesNoSense) {
  const auto with = [](const char* name, const json& value) {
    json payload = FullReady();
    payload[name] = value;
    return Problem(payload);
  };
  EXPECT_THAT(with("userId", 7), testing::StartsWith("userId "));
  EXPECT_THAT(with("userId", std::string(256, 'u')),
              testing::StartsWith("userId "));
  EXPECT_THAT(with("serverTime", "noon"), testing::StartsWith("serverTime "));
  EXPECT_THAT(with("protocolVersion", 2),
              testing::StartsWith("protocolVersion "));
  EXPECT_THAT(with("capabilities", "all"),
              testing::StartsWith("capabilities "));
  EXPECT_THAT(with("capabilities", {"a", 1}),
              testing::StartsWith("capabilities[1] "));
  EXPECT_THAT(with("capabilities", {std::string(kMaxCapabilityBytes + 1, 'c')}),
              testing::StartsWith("capabilities[0] "));
  EXPECT_THAT(with("historyEpoch", std::string(256, 'e')),
              testing::StartsWith("historyEpoch "));
  EXPECT_THAT(with("limits", 3), testing::StartsWith("limits "));
  EXPECT_THAT(with("limits", {{"orderedWindow", -1}}),
              testing::StartsWith("limits.orderedWindow "));
  EXPECT_THAT(with("limits", {{"maxMessageBytes", 1e300}}),
              testing::StartsWith("limits.maxMessageBytes "));
  json many = json::array();
  for (size_t i = 0; i < kMaxCapabilities; ++i) many.push_back("c");
  json payload = FullReady();
  payload["capabilities"] = many;
  EXPECT_EQ(Decoded(payload).capabilities.advertised.size(), 1u);
  many.push_back("c");
  EXPECT_THAT(with("capabilities", many),
              testing::StartsWith("capabilities has 257 entries"));
}

TEST(DecodeFirstEventTest, KnowsOnlyTheReadyEvent) {
  EXPECT_NE(std::get_if<Ready>(&static_cast<const ServerEvent&>(
                DecodeFirstEvent("connected", json::array({FullReady()})))),
            nullptr);
  const ServerEvent early = DecodeFirstEvent(
      "message:new", json::parse(R"([{"roomName":"r","content":"x"}])"));
  ASSERT_NE(std::get_if<UnknownEvent>(&early), nullptr);
  EXPECT_EQ(std::get<UnknownEvent>(early).name, "message:new");
  for (const char* args : {"null", "[]", "[1]", "[null]", "{}"}) {
    const ServerEvent event = DecodeFirstEvent("connected", json::parse(args));
    ASSERT_NE(std::get_if<MalformedEvent>(&event), nullptr) << args;
    EXPECT_EQ(std::get<MalformedEvent>(event).name, "connected");
  }
}

}  // namespace
}  // namespace parley::wire
