// What is changed of messages that are there: rules U of PROTOCOL.md.
#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/time/time.h"
#include "tests/sim/sim_server.h"

namespace parley::sim {
namespace {

using nlohmann::json;

constexpr absl::Duration kMaxAhead = absl::Seconds(60);  // rule U-5
constexpr size_t kMaxEmojis = 64;                        // rule L-4
constexpr size_t kMaxReactions = 1000;
constexpr size_t kSecondsBytes = sizeof("2026-01-31T23:59:59") - 1;

// Rule U-6. Texts compare as bytes.
bool StandsOver(const StandingEdit& a, const StandingEdit& b) {
  const auto rank = [](const StandingEdit& edit) {
    return std::make_tuple(edit.edited_at.substr(0, kSecondsBytes), edit.user,
                           edit.device, edit.edited_at);
  };
  return rank(a) > rank(b);
}

// Rule U-8.
bool IsSame(const StandingEdit& a, const StandingEdit& b) {
  return a.user == b.user && a.device == b.device &&
         a.action_time == b.action_time && a.body == b.body;
}

json VersionConflict(const LogEntry& entry) {
  return Refused("VERSION_CONFLICT", "the message has another version",
                 {{"message", entry.event}});
}

bool IsVersion(const LogEntry& entry, const ChangeRequest& request) {
  return !request.if_version.has_value() ||
         *request.if_version == entry.version;
}

void KeepSent(LogEntry* entry) {
  if (entry->sent.is_null()) entry->sent = ContentOf(entry->event);
}

void EraseBody(json* event) {
  for (const char* name : {"mentions", "attachments", "metadata"}) {
    event->erase(name);
  }
}

size_t CountReactions(const json& reactions) {
  size_t count = 0;
  for (const json& reaction : reactions) count += reaction["userIds"].size();
  return count;
}

json LimitReached(const char* limit, size_t max) {
  return Refused("FORBIDDEN", "the message has no room for it",
                 {{"limit", limit}, {"max", max}});
}

json::iterator FindEmoji(const std::string& emoji, json* reactions) {
  return std::find_if(
      reactions->begin(), reactions->end(),
      [&emoji](const json& reaction) { return reaction["emoji"] == emoji; });
}

}  // namespace

std::string SimServer::CountedTime(const std::string& action_time) const {
  const std::optional<absl::Time> time = ParseWireTime(action_time);
  const absl::Time latest = scheduler_->Read().wall + kMaxAhead;
  return time.has_value() && *time <= latest ? action_time : Timestamp();
}

void SimServer::Number(LogEntry* entry, size_t index) {
  if (!options_.Has("message.changes")) return;
  Room& room = rooms_[entry->room];
  room.changes.erase(entry->change);
  entry->change = ++room.last_change;
  entry->event["change"] = entry->change;
  room.changes.emplace(entry->change, index);
}

SimServer::Outcome SimServer::Changed(LogEntry* entry, const char* event) {
  Number(entry, by_id_.at(entry->message_id));
  entry->event["version"] = entry->version;
  if (observer_ != nullptr) observer_->OnChanged(*entry);
  json told = entry->event;
  if (std::string(event) != "message:update") {
    told = json::object();
    for (const char* name : {"roomName", "messageId", "seq", "change"}) {
      told[name] = entry->event[name];
    }
    if (entry->deleted) {
      for (const char* name : {"version", "deletedBy", "deletedAt"}) {
        told[name] = entry->event[name];
      }
    } else {
      told["reactions"] = entry->event.value("reactions", json::array());
    }
  }
  Outcome outcome;
  outcome.to_room.emplace_back(EventFrame(event, told), entry->room);
  outcome.include_sender = true;
  outcome.answer = SuccessAnswer({{"message", entry->event}});
  return outcome;
}

SimServer::Outcome SimServer::Change(Link* link, const std::string& event,
                                     const json& payload) {
  Outcome outcome;
  const auto read = ReadChange(event, payload, options_.max_message_bytes);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const auto& request = std::get<ChangeRequest>(read);
  const std::string failure = TakeRoomFailure(request.room, &fail_rooms_);
  if (!failure.empty() && failure != "LOST_ACK") {
    outcome.answer = Refused(failure.c_str(), "set up to fail");
    return outcome;
  }
  const SendFate fate = failure == "LOST_ACK"
                            ? SendFate::kLostAnswer
                            : FateOf(TextMember(request.body, "content"));
  if (auto failed = FailedRequest(fate)) return *std::move(failed);
  if (json refusal = NoMember(request.room, link->user); !refusal.is_null()) {
    outcome.answer = std::move(refusal);
  } else {
    outcome = CarryOut(link->user, link->device, event, request);
  }
  LoseAnswer(fate, &outcome);
  return outcome;
}

json SimServer::ChangeAsOther(const std::string& user,
                              const std::string& device,
                              const std::string& event, const json& payload) {
  const auto read = ReadChange(event, payload, options_.max_message_bytes);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    return RefusalAnswer(*refusal);
  }
  const Outcome outcome =
      CarryOut(user, device, event, std::get<ChangeRequest>(read));
  for (const auto& [frame, room] : outcome.to_room) ToRoom(room, frame, 0);
  return outcome.answer;
}

SimServer::Outcome SimServer::CarryOut(const std::string& user,
                                       const std::string& device,
                                       const std::string& event,
                                       const ChangeRequest& request) {
  Outcome outcome;
  const auto found = by_id_.find(request.message_id);
  LogEntry* const entry =
      found == by_id_.end() ? nullptr : &log_[found->second];
  if (entry == nullptr || entry->room != request.room) {
    outcome.answer =
        Refused("MESSAGE_NOT_FOUND", "the room has no such message");
    return outcome;
  }
  if (event == "message:edit") return Edit(user, device, request, entry);
  if (event == "message:delete") return Delete(user, request, entry);
  return React(user, request, event == "reaction:add", entry);
}

SimServer::Outcome SimServer::Edit(const std::string& user,
                                   const std::string& device,
                                   const ChangeRequest& request,
                                   LogEntry* entry) {
  Outcome outcome;
  if (entry->deleted) {
    outcome.answer = Refused("MESSAGE_DELETED", "the message was deleted");
    return outcome;
  }
  const StandingEdit edit{user, device, request.action_time,
                          CountedTime(request.action_time), request.body};
  const bool repeat = entry->edit.has_value() && IsSame(edit, *entry->edit);
  if (!repeat && !IsVersion(*entry, request)) {
    outcome.answer = VersionConflict(*entry);
    return outcome;
  }
  const bool stands = repeat || request.if_version.has_value() ||
                      !entry->edit.has_value() ||
                      StandsOver(edit, *entry->edit);
  if (stands && !repeat) {
    KeepSent(entry);
    EraseBody(&entry->event);
    entry->event.update(edit.body);
    entry->event["editedAt"] = edit.edited_at;
    entry->event["editedBy"] = user;
    entry->edit = edit;
    ++entry->version;
    outcome = Changed(entry, "message:update");
  }
  outcome.answer =
      SuccessAnswer({{"applied", stands}, {"message", entry->event}});
  return outcome;
}

SimServer::Outcome SimServer::Delete(const std::string& user,
                                     const ChangeRequest& request,
                                     LogEntry* entry) {
  Outcome outcome;
  if (entry->sender != user) {
    outcome.answer = Refused("FORBIDDEN", "only its author may delete it");
  } else if (entry->deleted) {
    outcome.answer = SuccessAnswer({{"message", entry->event}});
  } else if (!IsVersion(*entry, request)) {
    outcome.answer = VersionConflict(*entry);
  } else {
    KeepSent(entry);
    EraseBody(&entry->event);
    for (const char* name : {"editedAt", "editedBy", "reactions"}) {
      entry->event.erase(name);
    }
    entry->event["content"] = "";
    entry->event["deletedAt"] = CountedTime(request.action_time);
    entry->event["deletedBy"] = user;
    entry->edit.reset();
    entry->deleted = true;
    ++entry->version;
    outcome = Changed(entry, "message:delete");
  }
  return outcome;
}

SimServer::Outcome SimServer::React(const std::string& user,
                                    const ChangeRequest& request, bool add,
                                    LogEntry* entry) {
  Outcome outcome;
  if (add && entry->deleted) {
    outcome.answer = Refused("MESSAGE_DELETED", "the message was deleted");
    return outcome;
  }
  json reactions = entry->event.value("reactions", json::array());
  auto reaction = FindEmoji(request.emoji, &reactions);
  const bool used = reaction != reactions.end();
  json users = used ? (*reaction)["userIds"] : json::array();
  const auto own = std::find(users.begin(), users.end(), json(user));
  if ((own != users.end()) == add) {
    outcome.answer = SuccessAnswer({{"message", entry->event}});
    return outcome;
  }
  if (!add) {
    users.erase(own);
  } else if (!used && reactions.size() >= kMaxEmojis) {
    outcome.answer = LimitReached("maxEmojisPerMessage", kMaxEmojis);
    return outcome;
  } else if (CountReactions(reactions) >= kMaxReactions) {
    outcome.answer = LimitReached("maxReactionsPerMessage", kMaxReactions);
    return outcome;
  } else {
    users.push_back(user);
  }
  if (users.empty()) {
    reactions.erase(reaction);
  } else if (used) {
    (*reaction)["userIds"] = users;
  } else {
    reactions.push_back({{"emoji", request.emoji}, {"userIds", users}});
  }
  if (reactions.empty()) {
    entry->event.erase("reactions");
  } else {
    entry->event["reactions"] = reactions;
  }
  return Changed(entry, "reaction:update");
}

}  // namespace parley::sim
