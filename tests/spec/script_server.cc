// What the server of a Script says.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/spec/script.h"

namespace parley::spec {
namespace {

using nlohmann::json;

absl::Status Cannot(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

json Refused(const std::string& code) {
  json error = {{"code", code}, {"message", "the server says no"}};
  if (code == "RATE_LIMITED") error["retryAfterMs"] = 200;
  return {{"success", false}, {"error", error}};
}

}  // namespace

void Script::Text(const std::string& text) {
  device_.Handle(core::TextReceived{connection(), text});
}

void Script::Ready(absl::Duration ahead) {
  json ready = {{"socketId", "sid"},
                {"serverTime", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                                                clock_.Read().wall + ahead,
                                                absl::UTCTimeZone())},
                {"protocolVersion", spec_.server.plugin ? "1.0" : "2.0"}};
  if (!spec_.server.plugin) {
    ready["userId"] = spec_.user;
    ready["capabilities"] = spec_.server.capabilities;
    ready["historyEpoch"] = spec_.server.Has("history.cursor") ? epoch_ : "";
    ready["limits"] = {{"maxMessageBytes", spec_.server.max_message_bytes}};
    if (spec_.server.Has("send.ordered")) {
      ready["limits"]["orderedWindow"] = spec_.server.ordered_window;
    }
  }
  Text(sim::EventFrame("connected", ready));
}

absl::Status Script::PlayServer(const Json& server) {
  const std::string action = server.empty() ? "" : server.items().begin().key();
  for (const auto& [name, value] : server.items()) {
    const bool known =
        name == action || (name == "first" && action == "accepts") ||
        (name == "code" && absl::StartsWith(action, "refuses")) ||
        (name == "with" && absl::StartsWith(action, "answers"));
    if (!known) return Cannot("unknown member: " + server.dump());
  }
  if (action == "open") {
    Text(
        sim::PlainFrame("0", {{"sid", "sid"},
                              {"upgrades", json::array()},
                              {"pingInterval", 25000},
                              {"pingTimeout", 20000},
                              {"maxPayload", spec_.server.max_payload_bytes}}));
  } else if (action == "connected") {
    Text(sim::PlainFrame("40", json{{"sid", "sid"}}));
  } else if (action == "ready") {
    Ready(absl::ZeroDuration());
  } else if (action == "ready_ahead_s") {
    Ready(absl::Seconds(server[action].get<int64_t>()));
  } else if (action == "ready_for") {
    // The ready event of another user than the token's.
    Text(sim::EventFrame(
        "connected",
        {{"socketId", "sid"},
         {"userId", server[action].get<std::string>()},
         {"serverTime", "2026-01-01T00:00:00.000Z"},
         {"protocolVersion", "2.0"},
         {"capabilities", spec_.server.capabilities},
         {"historyEpoch", epoch_},
         {"limits", {{"maxMessageBytes", spec_.server.max_message_bytes}}}}));
  } else if (action == "refuses_connect") {
    json refused = json::object();
    refused["message"] = "Invalid token";
    refused["data"] = {{"code", server[action].get<std::string>()}};
    Text(sim::PlainFrame("44", refused));
  } else if (action == "pings") {
    Text("2");
  } else if (action == "pongs") {
    Text(sim::EventFrame("pong", json{{"timestamp", 1}}));
  } else if (action == "answers_event") {
    const auto asked = std::find_if(
        frames_.rbegin(), frames_.rend(), [&server](const SentFrame& frame) {
          return frame.event == server["answers_event"].get<std::string>();
        });
    if (asked == frames_.rend()) return Cannot("nobody asked");
    Text(absl::StrCat("43", asked->ack_id, server["with"].dump()));
  } else if (action == "raw") {
    Text(server[action].get<std::string>());
  } else if (action == "says") {
    Says(server[action]);
  } else if (action == "missed") {
    const std::string room = server[action]["room"].get<std::string>();
    const uint64_t last = server[action]["to"].get<uint64_t>();
    for (uint64_t seq = LastSeq(room) + 1; seq <= last; ++seq) {
      seqs_[room].emplace(absl::StrCat("m", seq), seq);
    }
  } else if (action == "page") {
    return Page(server[action]);
  } else if (action == "history") {
    epoch_ = server[action].get<std::string>();
    log_.clear();
    seqs_.clear();
    truth_.OnHistoryLost();
  } else {
    return PlayAnswer(action, server);
  }
  return absl::OkStatus();
}

const Script::SentFrame* Script::FindSend(const std::string& client_id,
                                          bool first) const {
  const SentFrame* found = nullptr;
  for (const SentFrame& frame : frames_) {
    if (frame.event != "message:send" || frame.client_id != client_id) continue;
    found = &frame;
    if (first) break;
  }
  return found;
}

const Script::SentFrame* Script::FindRoom(const std::string& event,
                                          const std::string& room) const {
  const SentFrame* found = nullptr;
  for (const SentFrame& frame : frames_) {
    if (frame.event == event && frame.room == room) found = &frame;
  }
  return found;
}

const sim::LogEntry& Script::Append(const SentFrame& frame) {
  for (const sim::LogEntry& entry : log_) {
    if (entry.client_id == frame.client_id) return entry;
  }
  sim::LogEntry entry;
  entry.message_id = absl::StrCat("server-", frame.client_id);
  entry.seq = SeqOf(frame.room, entry.message_id);
  entry.room = frame.room;
  entry.sender = spec_.user;
  entry.client_id = frame.client_id;
  entry.text = frame.text;
  entry.link = device_.link();
  truth_.OnAppended(entry);
  log_.push_back(std::move(entry));
  return log_.back();
}

// A message is numbered when it is first named, unless the script does it.
uint64_t Script::SeqOf(const std::string& room, const std::string& id) {
  const auto [known, added] = seqs_[room].emplace(id, seqs_[room].size() + 1);
  return known->second;
}

json Script::MessageOf(const Json& said) {
  if (said.contains("seq")) {
    seqs_[said["room"].get<std::string>()].emplace(
        said["id"].get<std::string>(), said["seq"].get<uint64_t>());
  }
  const uint64_t seq =
      SeqOf(said["room"].get<std::string>(), said["id"].get<std::string>());
  json event = {{"roomName", said["room"].get<std::string>()},
                {"messageId", said["id"].get<std::string>()},
                {"seq", seq},
                {"userId", said["user"].get<std::string>()},
                {"content", said["text"].get<std::string>()},
                {"type", "text"},
                {"timestamp", "2026-01-01T00:00:00.000Z"}};
  if (said.contains("deleted")) {
    event["deletedAt"] = "2026-01-01T00:00:00.000Z";
  }
  if (said.contains("client_id")) {
    event["clientMessageId"] = said["client_id"].get<std::string>();
  }
  sim::LogEntry entry;
  entry.message_id = event["messageId"].get<std::string>();
  entry.sender = event["userId"].get<std::string>();
  entry.room = event["roomName"].get<std::string>();
  entry.text = event["content"].get<std::string>();
  if (!truth_.EverHadId(entry.message_id)) truth_.OnAppended(entry);
  return event;
}

uint64_t Script::LastSeq(const std::string& room) const {
  uint64_t last = 0;
  const auto seqs = seqs_.find(room);
  if (seqs == seqs_.end()) return last;
  for (const auto& [id, seq] : seqs->second) last = std::max(last, seq);
  return last;
}

void Script::Says(const Json& said) {
  Text(sim::EventFrame("message:new", MessageOf(said)));
}

// A page of history, as the answer to the last request of the room for one.
absl::Status Script::Page(const Json& page) {
  const std::string room = page["room"].get<std::string>();
  const SentFrame* const frame = FindRoom("sync:messages", room);
  if (frame == nullptr) return Cannot("nobody asked: " + page.dump());
  json answer = {{"success", true}};
  if (page.contains("code")) {
    answer = Refused(page["code"].get<std::string>());
  } else {
    json& data = answer["data"];
    data = {{"messages", json::array()},
            {"cursor", page["cursor"].get<std::string>()},
            {"hasMore", page.value("more", false)},
            {"historyEpoch", page.value("epoch", epoch_)},
            {"serverTime", "2026-01-01T00:00:00.000Z"}};
    for (const Json& message : page["messages"]) {
      Json said = message;
      said["room"] = room;
      data["messages"].push_back(MessageOf(said));
    }
  }
  Text(sim::AckFrame(frame->ack_id, answer));
  return absl::OkStatus();
}

absl::Status Script::PlayAnswer(const std::string& action, const Json& server) {
  const bool of_leave = action == "lets_leave" || action == "refuses_leave";
  if (of_leave || action == "joins" || action == "refuses_join" ||
      action == "answers_join") {
    const std::string room = server[action].get<std::string>();
    const SentFrame* const frame =
        FindRoom(of_leave ? "room:leave" : "room:join", room);
    if (frame == nullptr) return Cannot("nobody asked: " + server.dump());
    json answer = {{"success", true}};
    if (action == "joins") {
      answer["data"] = {{"roomName", room}, {"memberCount", 1}};
      if (!spec_.server.plugin) answer["data"]["type"] = "channel";
      if (spec_.server.Has("history.cursor")) {
        answer["data"]["lastSeq"] = LastSeq(room);
      }
    } else if (server.contains("code")) {
      answer = Refused(server["code"].get<std::string>());
    } else if (server.contains("with")) {
      Text(absl::StrCat("43", frame->ack_id, server["with"].dump()));
      return absl::OkStatus();
    }
    Text(sim::AckFrame(frame->ack_id, answer));
    return absl::OkStatus();
  }
  const bool known = action == "accepts" || action == "accepts_bare" ||
                     action == "refuses" || action == "echoes" ||
                     action == "takes" || action == "answers";
  if (!known) return Cannot("unknown: " + server.dump());
  const std::string id = server[action].get<std::string>();
  const SentFrame* const found = FindSend(id, server.contains("first"));
  if (found == nullptr) return Cannot(id + " was never sent");
  const SentFrame frame = *found;
  if (action == "refuses") {
    Text(sim::AckFrame(frame.ack_id,
                       Refused(server["code"].get<std::string>())));
    return absl::OkStatus();
  }
  if (action == "answers") {
    Text(absl::StrCat("43", frame.ack_id, server["with"].dump()));
    return absl::OkStatus();
  }
  const size_t before = log_.size();
  const sim::LogEntry& entry = Append(frame);
  json data = {{"messageId", entry.message_id},
               {"seq", entry.seq},
               {"timestamp", "2026-01-01T00:00:00.000Z"}};
  if (action == "accepts") {
    if (log_.size() == before) data["duplicate"] = true;
    Text(sim::AckFrame(frame.ack_id, {{"success", true}, {"data", data}}));
  } else if (action == "accepts_bare") {
    Text(sim::AckFrame(frame.ack_id, {{"success", true}}));
  } else if (action == "echoes") {
    json event = data;
    event["roomName"] = frame.room;
    event["userId"] = spec_.user;
    event["content"] = frame.text;
    event["type"] = "text";
    event["clientMessageId"] = frame.client_id;
    Text(sim::EventFrame("message:new", event));
  }
  return absl::OkStatus();
}

}  // namespace parley::spec
