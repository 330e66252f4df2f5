// The simulator's server passes the vectors that the real one and the daemon
// pass (tools/realtime_server/PROTOCOL.md): it is an honest peer.
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/socketio_text.h"
#include "tests/sim/token.h"

namespace parley::sim {
namespace {

using nlohmann::json;
using Captures = std::map<std::string, json>;

constexpr char kFolder[] = "tools/realtime_server/vectors/";
constexpr absl::Duration kDeadline = absl::Seconds(10);

std::optional<std::string> Mismatch(const json& expected, const json& actual,
                                    Captures* captures,
                                    const std::string& path);

std::string Differs(const std::string& path, const json& expected,
                    const json& actual) {
  return absl::StrCat(path, ": expected ", expected.dump(), ", got ",
                      actual.dump());
}

std::optional<std::string> Placeholder(const std::string& expected,
                                       const json& actual, Captures* captures,
                                       const std::string& path) {
  static const std::regex* const iso_time =
      new std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  if (absl::StartsWith(expected, "$capture:")) {
    const json& first = captures->emplace(expected, actual).first->second;
    if (first == actual) return std::nullopt;
    return Differs(path, first, actual);
  }
  const bool text =
      actual.is_string() && !actual.get_ref<const std::string&>().empty();
  if (expected == "$any") return std::nullopt;
  if (expected == "$string" && text) return std::nullopt;
  if (expected == "$int" && actual.is_number_integer()) return std::nullopt;
  if (expected == "$time" && text &&
      std::regex_match(actual.get<std::string>(), *iso_time)) {
    return std::nullopt;
  }
  return Differs(path, expected, actual);
}

std::optional<std::string> MismatchInObject(const json& expected,
                                            const json& actual,
                                            Captures* captures,
                                            const std::string& path) {
  const bool open = expected.contains("$more");
  for (const auto& [name, value] : actual.items()) {
    if (!open && !expected.contains(name)) {
      return absl::StrCat(path, ".", name, " is not expected");
    }
  }
  for (const auto& [name, value] : expected.items()) {
    if (name == "$more") continue;
    const std::string inside = absl::StrCat(path, ".", name);
    if (!actual.contains(name)) return absl::StrCat(inside, " is missing");
    auto found = Mismatch(value, actual[name], captures, inside);
    if (found.has_value()) return found;
  }
  return std::nullopt;
}

std::optional<std::string> Mismatch(const json& expected, const json& actual,
                                    Captures* captures,
                                    const std::string& path) {
  if (expected.is_string() &&
      absl::StartsWith(expected.get<std::string>(), "$")) {
    return Placeholder(expected.get<std::string>(), actual, captures, path);
  }
  if (expected.is_object() && actual.is_object()) {
    return MismatchInObject(expected, actual, captures, path);
  }
  if (expected.is_array() && actual.is_array()) {
    if (expected.size() != actual.size())
      return Differs(path, expected, actual);
    for (size_t i = 0; i < expected.size(); ++i) {
      auto found = Mismatch(expected[i], actual[i], captures,
                            absl::StrCat(path, "[", i, "]"));
      if (found.has_value()) return found;
    }
    return std::nullopt;
  }
  if (expected == actual) return std::nullopt;
  return Differs(path, expected, actual);
}

// A payload with its placeholders filled in.
json Fill(const json& value, const Captures& captures) {
  if (value.is_string()) {
    const auto found = captures.find(value.get<std::string>());
    return found == captures.end() ? value : found->second;
  }
  if (value.is_object() && value.contains("$repeat")) {
    std::string text;
    for (int i = value["$repeat"][1].get<int>(); i > 0; --i) {
      text += value["$repeat"][0].get<std::string>();
    }
    return text + TextMember(value, "$then");
  }
  json filled = value;
  if (value.is_structured()) {
    for (auto& member : filled) member = Fill(member, captures);
  }
  return filled;
}

json FillToken(const json& token, absl::Time now) {
  const std::string text = token.is_string() ? token.get<std::string>() : "";
  if (!absl::StartsWith(text, "$")) return token;
  const std::vector<std::string> parts =
      absl::StrSplit(text, absl::MaxSplits(':', 1));
  const std::string user = parts.size() > 1 ? parts[1] : "";
  const int64_t now_s = absl::ToUnixSeconds(now);
  const std::string& kind = parts[0];
  if (kind == "$token") return SignToken({{"userId", user}, {"sub", user}});
  if (kind == "$token-expired") {
    return SignToken({{"userId", user}, {"exp", now_s - 3600}});
  }
  if (kind == "$token-future") {
    return SignToken({{"userId", user}, {"nbf", now_s + 3600}});
  }
  if (kind == "$token-forged") {
    return SignToken({{"userId", user}}, "another secret");
  }
  if (kind == "$token-sub") return SignToken({{"sub", user}});
  if (kind == "$token-anonymous") return SignToken({{"exp", now_s + 3600}});
  if (kind == "$token-unsigned") {
    // {"alg":"none","typ":"JWT"}
    const std::string signed_token = SignToken({{"userId", user}});
    const std::vector<std::string> signed_parts =
        absl::StrSplit(signed_token, '.');
    return absl::StrCat("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.", signed_parts[1],
                        ".");
  }
  ADD_FAILURE() << "what is " << text << "?";
  return token;
}

std::vector<RoomFailure> ReadFailures(const json& value) {
  std::vector<RoomFailure> failures;
  for (const auto& text : value.get<std::vector<std::string>>()) {
    const std::vector<std::string> sides = absl::StrSplit(text, '=');
    const std::vector<std::string> what = absl::StrSplit(sides[1], ':');
    RoomFailure failure{sides[0], what[0]};
    if (what.size() > 1) {
      EXPECT_TRUE(absl::SimpleAtoi(what[1], &failure.count)) << text;
    }
    failures.push_back(std::move(failure));
  }
  return failures;
}

ServerOptions ReadOptions(const json& server) {
  ServerOptions options;
  for (const auto& [name, value] : server.items()) {
    if (name == "capabilities") {
      options.capabilities = value.get<std::vector<std::string>>();
    } else if (name == "orderedWindow") {
      options.ordered_window = value.get<uint32_t>();
    } else if (name == "maxRoomsPerUser") {
      options.max_rooms_per_user = value.get<size_t>();
    } else if (name == "commitDelayMs") {
      options.commit_delay = absl::Milliseconds(value.get<int64_t>());
    } else if (name == "failRoom") {
      options.fail_rooms = ReadFailures(value);
    } else if (name == "failSync") {
      options.fail_syncs = ReadFailures(value);
    } else {
      ADD_FAILURE() << "unknown server option " << name;
    }
  }
  return options;
}

// One vector against one server. A client is a link; what it gets is a list.
class VectorRun : public ServerLinks {
 public:
  explicit VectorRun(const json& vector)
      : vector_(vector),
        server_(ReadOptions(vector.value("server", json::object())),
                &scheduler_, this, nullptr, base::Rng(1)) {}

  void Play() {
    for (const json& step : vector_["steps"]) {
      SCOPED_TRACE(step.dump().substr(0, 200));
      Take(step);
      if (::testing::Test::HasFailure()) return;
    }
    for (const auto& [name, client] : clients_) ExpectNothingLeft(name);
  }

  // ServerLinks.
  void ToClient(LinkId link, std::string text) override {
    const Frame frame = ParseFrame(text);
    Client* const client = ClientOf(link);
    if (client == nullptr) return;
    if (frame.kind == Frame::Kind::kEvent) {
      client->received.push_back({{"kind", "event"},
                                  {"event", frame.event()},
                                  {"payload", frame.payload()}});
    } else if (frame.kind == Frame::Kind::kAck) {
      client->received.push_back({{"kind", "answer"},
                                  {"ack", client->acks.at(*frame.ack_id)},
                                  {"payload", frame.payload()}});
    } else if (frame.kind == Frame::Kind::kConnectRefused) {
      client->received.push_back({{"kind", "refused"},
                                  {"message", Member(frame.data, "message")},
                                  {"data", Member(frame.data, "data")}});
    } else if (frame.kind == Frame::Kind::kPing) {
      server_.OnText(link, "3");
    }
  }
  void EndByServer(LinkId link) override {
    Client* const client = ClientOf(link);
    if (client != nullptr) client->received.push_back({{"kind", "closed"}});
  }

 private:
  struct Client {
    LinkId link = 0;
    std::deque<json> received;
    std::map<uint64_t, std::string> acks;  // the vector's names
  };

  Client* ClientOf(LinkId link) {
    for (auto& [name, client] : clients_) {
      if (client.link == link) return &client;
    }
    return nullptr;
  }

  void Take(const json& step) {
    if (step.contains("restart")) {
      clients_.clear();
      server_.Restart(step["restart"] == "lost");
      return;
    }
    const std::string name = step["client"].get<std::string>();
    if (step.contains("open")) {
      Connect(name, {{"token", absl::StrCat("$token:",
                                            step["open"].get<std::string>())}});
      ExpectNext(name,
                 {{"kind", "event"}, {"event", "connected"}, {"$more", true}});
      ExpectNext(
          name,
          {{"kind", "event"}, {"event", "authenticated"}, {"$more", true}});
    } else if (step.contains("connect")) {
      Connect(name, step["connect"]);
    } else if (step.contains("send")) {
      Send(name, step["send"]);
    } else if (step.contains("close")) {
      Close(name);
    } else if (step.contains("expect_ack")) {
      ExpectNext(name, {{"kind", "answer"},
                        {"ack", step["expect_ack"]["ack"]},
                        {"payload", step["expect_ack"]["answer"]}});
    } else if (step.contains("expect_event")) {
      json expected = step["expect_event"];
      expected["kind"] = "event";
      ExpectNext(name, expected);
    } else if (step.contains("expect_refused")) {
      json expected = step["expect_refused"];
      expected["kind"] = "refused";
      ExpectNext(name, expected);
      Close(name);
    } else if (step.contains("expect_closed")) {
      ExpectNext(name, {{"kind", "closed"}});
      clients_.erase(name);
    } else {
      ADD_FAILURE() << "a step without a meaning";
    }
  }

  void Connect(const std::string& name, json auth) {
    if (auth.contains("token")) {
      auth["token"] = FillToken(auth["token"], scheduler_.Read().wall);
    }
    Client& client = clients_[name] = Client();
    client.link = ++last_link_;
    server_.OnOpened(client.link);
    server_.OnText(client.link, PlainFrame("40", auth));
  }

  void Close(const std::string& name) {
    const LinkId link = clients_.at(name).link;
    clients_.erase(name);
    server_.OnGone(link);
  }

  void Send(const std::string& name, const json& send) {
    Client& client = clients_.at(name);
    json arguments = json::array({send["event"]});
    if (send.contains("payload")) {
      arguments.push_back(Fill(send["payload"], captures_));
      json& payload = arguments.back();
      if (payload.is_object() && payload.contains("token")) {
        payload["token"] = FillToken(payload["token"], scheduler_.Read().wall);
      }
    }
    std::string head = "42";
    if (send.contains("ack")) {
      const uint64_t id = client.acks.size();
      client.acks[id] = send["ack"].get<std::string>();
      absl::StrAppend(&head, id);
    }
    server_.OnText(client.link, head + arguments.dump());
  }

  void ExpectNext(const std::string& name, const json& expected) {
    Client& client = clients_.at(name);
    const base::MonotonicTime deadline = scheduler_.now() + kDeadline;
    while (client.received.empty() && scheduler_.RunNext(deadline)) {
    }
    ASSERT_FALSE(client.received.empty()) << "nothing came";
    const json next = std::move(client.received.front());
    client.received.pop_front();
    const auto mismatch = Mismatch(expected, next, &captures_, "$");
    EXPECT_FALSE(mismatch.has_value())
        << *mismatch << "\nthe next thing was " << next.dump().substr(0, 500);
  }

  void ExpectNothingLeft(const std::string& name) {
    Send(name, {{"event", "ping"}, {"ack", "the end"}});
    ExpectNext(name, {{"kind", "event"}, {"event", "pong"}, {"$more", true}});
    ExpectNext(name, {{"kind", "answer"}, {"ack", "the end"}, {"$more", true}});
  }

  const json& vector_;
  Scheduler scheduler_;
  SimServer server_;
  LinkId last_link_ = 0;
  std::map<std::string, Client> clients_;
  Captures captures_;
};

TEST(VectorsTest, AllAreKept) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    // Not a script: single payloads, for whoever decodes them.
    if (entry.path().filename() == "samples.json") continue;
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path());
    const json vectors =
        json::parse(file, nullptr, /*allow_exceptions=*/false)["vectors"];
    ASSERT_FALSE(vectors.empty());
    ++files;
    for (const json& vector : vectors) {
      SCOPED_TRACE(vector["id"].get<std::string>());
      VectorRun(vector).Play();
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(files, 5);
}

// Keeps what an auditor would.
class Recorder : public ServerObserver {
 public:
  void OnAppended(const LogEntry& entry) override { appended.push_back(entry); }
  void OnChanged(const LogEntry& entry) override { changed.push_back(entry); }
  void OnRefused(const std::string&, const std::string&,
                 const std::string&) override {}
  void OnHistoryLost() override {}

  std::vector<LogEntry> appended;
  std::vector<LogEntry> changed;
};

class NoLinks : public ServerLinks {
 public:
  void ToClient(LinkId, std::string) override {}
  void EndByServer(LinkId) override {}
};

TEST(ChangesOfOthersTest, AreCarriedOutAndObserved) {
  Scheduler scheduler;
  NoLinks links;
  Recorder seen;
  SimServer server(ServerOptions(), &scheduler, &links, &seen, base::Rng(1));
  server.SayAsOther("eve", "r", "before");
  ASSERT_EQ(seen.appended.size(), 1u);
  const std::string id = seen.appended[0].message_id;
  const auto change = [&server, &id](const std::string& user,
                                     const std::string& event, json payload) {
    payload["roomName"] = "r";
    payload["messageId"] = id;
    return server.ChangeAsOther(user, "d1", event, payload);
  };
  const std::string at = "2020-01-01T00:00:01.000Z";
  const json edit = {{"content", "after"}, {"actionTime", at}};
  EXPECT_EQ(change("mallory", "message:edit", edit)["data"]["applied"], true);
  ASSERT_EQ(seen.changed.size(), 1u);
  EXPECT_EQ(seen.changed[0].event["content"], "after");
  EXPECT_EQ(seen.changed[0].text, "before");
  EXPECT_EQ(seen.changed[0].change, 2u);
  EXPECT_EQ(seen.changed[0].version, 2u);
  // What changes nothing is nothing to observe.
  EXPECT_EQ(change("mallory", "message:edit", edit)["data"]["applied"], true);
  EXPECT_EQ(change("eve", "reaction:remove", {{"emoji", "+"}})["success"],
            true);
  EXPECT_EQ(change("mallory", "message:delete",
                   {{"actionTime", at}})["error"]["code"],
            "FORBIDDEN");
  EXPECT_EQ(change("eve", "message:delete", json::object())["error"]["code"],
            "INVALID_PAYLOAD");
  EXPECT_EQ(seen.changed.size(), 1u);
  EXPECT_EQ(change("eve", "message:delete", {{"actionTime", at}})["success"],
            true);
  ASSERT_EQ(seen.changed.size(), 2u);
  EXPECT_TRUE(seen.changed[1].deleted);
  EXPECT_EQ(server.log()[0].event["content"], "");
}

TEST(ChangesOfOthersTest, NeedAHistory) {
  Scheduler scheduler;
  NoLinks links;
  ServerOptions options;
  options.capabilities = {"rooms.membership", "message.changes"};
  const SimServer server(options, &scheduler, &links, nullptr, base::Rng(1));
  EXPECT_FALSE(server.options().Has("message.changes"));
  EXPECT_TRUE(server.options().Has("rooms.membership"));
}

TEST(ChangesOfOthersTest, AMessageIsFullAtItsLastReaction) {
  Scheduler scheduler;
  NoLinks links;
  SimServer server(ServerOptions(), &scheduler, &links, nullptr, base::Rng(1));
  server.SayAsOther("eve", "r", "x");
  const auto react = [&server](int user) {
    return server.ChangeAsOther(absl::StrCat("u", user), "", "reaction:add",
                                {{"roomName", "r"},
                                 {"messageId", server.log()[0].message_id},
                                 {"emoji", "+"}});
  };
  constexpr int kMost = 1000;  // rule L-4
  for (int user = 0; user < kMost; ++user) {
    ASSERT_EQ(react(user)["success"], true) << user;
  }
  const json details = {{"limit", "maxReactionsPerMessage"}, {"max", kMost}};
  EXPECT_EQ(react(kMost)["error"]["details"], details);
  EXPECT_EQ(react(0)["success"], true);
}

}  // namespace
}  // namespace parley::sim
