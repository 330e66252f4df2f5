#include <fstream>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/wire/dialect.h"
#include "daemon/wire/refusal.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

// The protocol's own vectors (tools/realtime_server/PROTOCOL.md): all that a
// server says there is understood, and all that is said to it has their shape.
namespace parley::wire {
namespace {

using nlohmann::json;

const Dialect& Full() { return DialectFor(model::Dialect::kFull); }

json Load(const std::string& name) {
  std::ifstream file(absl::StrCat("tools/realtime_server/vectors/", name));
  EXPECT_TRUE(file.is_open()) << name;
  return json::parse(file, nullptr, /*allow_exceptions=*/false);
}

std::vector<json> Samples(const std::string& from, const std::string& kind) {
  std::vector<json> result;
  const json file = Load("samples.json");
  for (const json& sample : file["samples"]) {
    if (sample["from"] == from && sample["kind"] == kind) {
      result.push_back(sample);
    }
  }
  EXPECT_FALSE(result.empty()) << from << " " << kind;
  return result;
}

json Sample(const std::string& id) {
  const json file = Load("samples.json");
  for (const json& sample : file["samples"]) {
    if (sample["id"] == id) return sample["payload"];
  }
  ADD_FAILURE() << "no sample " << id;
  return nullptr;
}

void ExpectTyped(const std::string& name, const json& payload) {
  const ServerEvent event = Full().DecodeEvent(name, json::array({payload}));
  if (const auto* bad = std::get_if<MalformedEvent>(&event)) {
    ADD_FAILURE() << name << ": " << bad->problem << "\n" << payload;
  }
  const bool known = name == "connected" || name == "pong" ||
                     absl::StartsWith(name, "message:") ||
                     absl::StartsWith(name, "reaction:") ||
                     absl::StartsWith(name, "user:");
  EXPECT_EQ(std::get_if<UnknownEvent>(&event) == nullptr, known) << name;
}

TEST(VectorsTest, EveryEventIsUnderstood) {
  std::set<std::string> names;
  for (const json& sample : Samples("server", "event")) {
    SCOPED_TRACE(sample["id"].get<std::string>());
    names.insert(sample["event"].get<std::string>());
    ExpectTyped(sample["event"].get<std::string>(), sample["payload"]);
  }
  for (const char* name :
       {"connected", "message:new", "message:update", "message:delete",
        "reaction:update", "user:joined", "user:left"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
}

TEST(VectorsTest, EveryAnswerIsUnderstood) {
  for (const json& sample : Samples("server", "answer")) {
    SCOPED_TRACE(sample["id"].get<std::string>());
    const json& payload = sample["payload"];
    const Answer answer = Full().DecodeAnswer(json::array({payload}));
    EXPECT_EQ(!answer.error.has_value(), payload["success"].get<bool>());
    if (answer.error.has_value()) {
      EXPECT_EQ(answer.error->code, payload["error"]["code"]);
      EXPECT_EQ(answer.error->message, payload["error"]["message"]);
      EXPECT_EQ(answer.error->retry_after.has_value(),
                payload["error"].contains("retryAfterMs"));
    } else if (sample["event"] == "message:send" && payload.contains("data")) {
      const SendResult result = Full().DecodeSendResult(answer.data);
      EXPECT_EQ(result.id.value(), payload["data"]["messageId"]);
      EXPECT_EQ(result.room_seq, payload["data"]["seq"]);
      EXPECT_TRUE(result.sent_at.has_value());
      EXPECT_EQ(result.duplicate, payload["data"].contains("duplicate"));
    } else if (sample["event"] == "room:join") {
      const JoinResult result = Full().DecodeJoinResult(answer.data);
      EXPECT_NE(result.kind, model::RoomKind::kUnknown);
      EXPECT_EQ(result.member_count, payload["data"]["memberCount"]);
    }
  }
}

// The content of a send, as its echo would have it.
model::Message Echoed(const json& send) {
  json echo = send;
  echo["messageId"] = "m1";
  echo["userId"] = "alice";
  echo["timestamp"] = 0;
  const ServerEvent event =
      Full().DecodeEvent("message:new", json::array({echo}));
  const auto* received = std::get_if<MessageReceived>(&event);
  if (received == nullptr) {
    ADD_FAILURE() << send;
    return {};
  }
  return received->message;
}

TEST(VectorsTest, EverySendHasTheShapeOfTheSamples) {
  int sends = 0;
  for (const json& sample : Samples("client", "event")) {
    if (sample["event"] != "message:send") continue;
    SCOPED_TRACE(sample["id"].get<std::string>());
    ++sends;
    json expected = sample["payload"];
    // What this client always says, and a server need not be told.
    expected["channelId"] = expected["roomName"];
    if (!expected.contains("type")) expected["type"] = "text";
    if (!expected.contains("clientMessageId")) {
      expected["clientMessageId"] = "c1";
    }
    const model::Message message = Echoed(expected);
    SendOptions options;
    if (expected.contains("after")) {
      options.after =
          model::ClientMessageId(expected["after"].get<std::string>());
    }
    const Request request = Full().EncodeSend(message.room, message.client_id,
                                              message.content, options);
    EXPECT_EQ(request.event, "message:send");
    EXPECT_EQ(request.payload, expected);
  }
  EXPECT_GE(sends, 4);
}

TEST(VectorsTest, JoinAndLeaveAreTheSamples) {
  EXPECT_EQ(Full().EncodeJoin(model::RoomId("general")).payload,
            Sample("join-request"));
  EXPECT_EQ(Full().EncodeLeave(model::RoomId("general")).payload,
            Sample("leave-request"));
}

// --- The scripts -------------------------------------------------------------

// Placeholders become what a server might put there.
json Filled(const std::string& key, const json& value) {
  if (value.is_string() &&
      absl::StartsWith(value.get_ref<const std::string&>(), "$")) {
    const bool time = key == "timestamp" || key == "serverTime" ||
                      key == "joinedAt" || value == "$time";
    return time ? "2026-11-25T13:50:59.380Z" : "filled";
  }
  if (value.is_array()) {
    json list = json::array();
    for (const json& element : value) list.push_back(Filled(key, element));
    return list;
  }
  if (!value.is_object()) return value;
  json object = json::object();
  for (const auto& [name, member] : value.items()) {
    if (name != "$more") object[name] = Filled(name, member);
  }
  return object;
}

// A pattern that leaves members open gets those of the smallest sample.
json Completed(const std::string& event, const json& pattern) {
  json payload = Filled("", pattern);
  if (!pattern.contains("$more")) return payload;
  json sample = Sample(event == "message:new"   ? "message-new-minimal"
                       : event == "user:joined" ? "user-joined"
                       : event == "user:left"   ? "user-left"
                                                : "connected-full");
  sample.update(payload);
  return sample;
}

class ScriptsTest : public testing::TestWithParam<const char*> {};

TEST_P(ScriptsTest, AllThatTheServerSaysIsUnderstood) {
  int checked = 0;
  const json vectors = Load(GetParam())["vectors"];
  ASSERT_FALSE(vectors.empty());
  for (const json& vector : vectors) {
    SCOPED_TRACE(vector["id"].get<std::string>());
    for (const json& step : vector["steps"]) {
      if (const auto it = step.find("expect_event"); it != step.end()) {
        if ((*it)["payload"] == "$any") continue;
        const std::string name = (*it)["event"].get<std::string>();
        ExpectTyped(name, Completed(name, (*it)["payload"]));
        ++checked;
      } else if (const auto ack = step.find("expect_ack"); ack != step.end()) {
        if (!(*ack)["answer"].is_object()) continue;
        const json payload = Filled("", (*ack)["answer"]);
        const Answer answer = Full().DecodeAnswer(json::array({payload}));
        EXPECT_EQ(!answer.error.has_value(), payload["success"].get<bool>());
        if (answer.error.has_value()) {
          EXPECT_EQ(answer.error->code, payload["error"]["code"]);
        }
        ++checked;
      } else if (const auto refused = step.find("expect_refused");
                 refused != step.end()) {
        const json refusal = Filled("", *refused);
        const RequestError error =
            DecodeRefusal(refusal["message"].get<std::string>(),
                          refusal.value("data", json()));
        EXPECT_EQ(error.error_class, ErrorClass::kAuth);
        EXPECT_EQ(error.code, refusal["data"]["code"]);
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, ScriptsTest,
                         testing::Values("answers.json", "connect.json",
                                         "history.json", "messages.json",
                                         "ordered.json", "repeats.json",
                                         "rooms.json"),
                         [](const auto& info) {
                           std::string name = info.param;
                           return name.substr(0, name.find('.'));
                         });

}  // namespace
}  // namespace parley::wire
