// The requests of SimServer: rules J, M, D, O and P of PROTOCOL.md. Those of U
// are in sim_server_changes.cc, those of H and B in sim_server_pages.cc.
#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/token.h"

namespace parley::sim {
namespace {

using nlohmann::json;

constexpr size_t kMaxListedMembers = 100;  // rule J-3

bool IsRoomType(const json& type) {
  static constexpr std::array<const char*, 5> kTypes = {
      "channel", "dm", "group", "thread", "broadcast"};
  return type.is_string() && std::find(kTypes.begin(), kTypes.end(),
                                       type.get<std::string>()) != kTypes.end();
}

}  // namespace

bool SimServer::IsMember(const std::string& room,
                         const std::string& user) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return false;
  const auto& members = found->second.members;
  return std::any_of(
      members.begin(), members.end(),
      [&user](const RoomMember& member) { return member.user == user; });
}

json SimServer::NoMember(const std::string& room,
                         const std::string& user) const {
  if (rooms_.count(room) == 0) {
    return Refused("ROOM_NOT_FOUND", "there is no such room");
  }
  if (!IsMember(room, user)) {
    return Refused("NOT_IN_ROOM", "not a member of the room");
  }
  return nullptr;
}

size_t SimServer::RoomsOf(const std::string& user) const {
  return static_cast<size_t>(std::count_if(
      rooms_.begin(), rooms_.end(),
      [this, &user](const auto& room) { return IsMember(room.first, user); }));
}

void SimServer::RemoveMember(const std::string& room, const std::string& user) {
  auto& members = rooms_[room].members;
  members.erase(std::remove_if(members.begin(), members.end(),
                               [&user](const RoomMember& member) {
                                 return member.user == user;
                               }),
                members.end());
}

SimServer::Outcome SimServer::Join(LinkId id, Link* link, const json& payload) {
  Outcome outcome;
  const auto name = ReadRoomName(payload);
  if (const auto* refusal = std::get_if<Refusal>(&name)) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const std::string& room_name = std::get<std::string>(name);
  const json& type = Member(payload, "type");
  if (!type.is_null() && !IsRoomType(type)) {
    outcome.answer = RefusalAnswer(InvalidPayload("type", "is no room type"));
    return outcome;
  }
  if (OneIn1000(faults_.join_refused)) {
    outcome.answer = Refused("UNAVAILABLE", "the room cannot be joined now");
    return outcome;
  }
  const bool joined = !IsMember(room_name, link->user);
  const auto existing = rooms_.find(room_name);
  const size_t members =
      existing == rooms_.end() ? 0 : existing->second.members.size();
  const auto limit = [](const char* limit, size_t max) {
    return Refused("FORBIDDEN", "a limit is reached",
                   {{"limit", limit}, {"max", max}});
  };
  if (joined && RoomsOf(link->user) >= options_.max_rooms_per_user) {
    outcome.answer = limit("maxRoomsPerUser", options_.max_rooms_per_user);
    return outcome;
  }
  if (joined && members >= options_.max_members_per_room) {
    outcome.answer = limit("maxMembersPerRoom", options_.max_members_per_room);
    return outcome;
  }
  Room& room = rooms_[room_name];
  if (room.type.empty()) {
    room.type = type.is_null() ? "channel" : type.get<std::string>();
  }
  if (joined) {
    room.members.push_back({link->user, Timestamp(), ++last_join_});
  }
  link->attached.insert(room_name);
  json data = {{"roomName", room_name}, {"memberCount", room.members.size()}};
  if (!options_.plugin) {
    data["type"] = room.type;
    data["members"] = json::array();
    for (const RoomMember& member : room.members) {
      if (data["members"].size() == kMaxListedMembers) break;
      data["members"].push_back(
          {{"userId", member.user}, {"joinedAt", member.joined_at}});
    }
    AddEnd(room, &data);
  }
  if (joined || options_.plugin) {
    json event = {{"roomName", room_name}, {"userId", link->user}};
    if (!options_.plugin) event["timestamp"] = Timestamp();
    outcome.to_room.emplace_back(EventFrame("user:joined", event), room_name);
  }
  outcome.answer = SuccessAnswer(data);
  return outcome;
}

SimServer::Outcome SimServer::Leave(LinkId id, Link* link,
                                    const json& payload) {
  Outcome outcome;
  const auto name = ReadRoomName(payload);
  if (const auto* refusal = std::get_if<Refusal>(&name)) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const std::string& room_name = std::get<std::string>(name);
  outcome.answer = SuccessAnswer(nullptr);
  const bool was_member = IsMember(room_name, link->user);
  if (was_member) {
    const std::string frame =
        EventFrame("user:left", {{"roomName", room_name},
                                 {"userId", link->user},
                                 {"timestamp", Timestamp()}});
    // Told to those that are attached now: the user's own links lose the room.
    for (auto& [other_id, other] : links_up_) {
      if (other_id != id && other.attached.count(room_name) > 0) {
        WhenDurable([this, other_id = other_id, frame] {
          if (Find(other_id) != nullptr) links_->ToClient(other_id, frame);
        });
      }
    }
    RemoveMember(room_name, link->user);
  }
  for (auto& [other_id, other] : links_up_) {
    if (other.user != link->user) continue;
    other.chains.erase(room_name);
    other.attached.erase(room_name);
  }
  return outcome;
}

SimServer::SendFate SimServer::FateOf(const std::string& text) {
  if (absl::StrContains(text, "!poison")) return SendFate::kCloseBefore;
  if (absl::StrContains(text, "!forbidden")) return SendFate::kForbidden;
  if (absl::StrContains(text, "!invalid")) return SendFate::kInvalid;
  if (OneIn1000(faults_.rate_limited)) return SendFate::kRateLimited;
  if (OneIn1000(faults_.internal_error)) return SendFate::kInternalError;
  if (OneIn1000(faults_.lost_answer)) return SendFate::kLostAnswer;
  if (OneIn1000(faults_.no_answer)) return SendFate::kNoAnswer;
  if (OneIn1000(faults_.close_before)) return SendFate::kCloseBefore;
  return SendFate::kAccept;
}

std::string SimServer::TakeRoomFailure(const std::string& room,
                                       std::vector<RoomFailure>* failures) {
  for (RoomFailure& failure : *failures) {
    if (failure.room != room || failure.count == 0) continue;
    if (failure.count > 0) --failure.count;
    return failure.code;
  }
  return "";
}

std::optional<SimServer::Outcome> SimServer::FailedRequest(SendFate fate) {
  Outcome outcome;
  switch (fate) {
    case SendFate::kRateLimited:
      outcome.answer = Refused("RATE_LIMITED", "slow down");
      return outcome;
    case SendFate::kInternalError:
      outcome.answer = Refused("INTERNAL_ERROR", "the server failed");
      return outcome;
    case SendFate::kForbidden:
      outcome.answer = Refused("FORBIDDEN", "not allowed to say this");
      return outcome;
    case SendFate::kInvalid:
      outcome.answer = Refused("INVALID_PAYLOAD", "content is not wanted",
                               {{"field", "content"}});
      return outcome;
    case SendFate::kCloseBefore:
      outcome.end_link = true;
      return outcome;
    case SendFate::kAccept:
    case SendFate::kLostAnswer:
    case SendFate::kNoAnswer:
      return std::nullopt;
  }
  return std::nullopt;
}

void SimServer::LoseAnswer(SendFate fate, Outcome* outcome) {
  outcome->end_link = fate == SendFate::kLostAnswer;
  outcome->no_answer = fate == SendFate::kNoAnswer;
  outcome->answer_twice = OneIn1000(faults_.answer_twice);
  outcome->answer_first = OneIn1000(faults_.answer_first);
}

SimServer::Outcome SimServer::Send(LinkId id, Link* link, const json& payload) {
  Outcome outcome;
  const auto read = ReadSend(payload, options_.max_message_bytes);
  if (const auto* refusal = std::get_if<Refusal>(&read)) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const auto& request = std::get<SendRequest>(read);
  const uint32_t unanswered = ++link->unanswered[request.room];
  WhenDurable([this, id, room = request.room] {
    Link* const link = Find(id);
    if (link != nullptr && --link->unanswered[room] == 0) {
      link->unanswered.erase(room);
    }
  });
  if (options_.Has("send.ordered") && unanswered > options_.ordered_window) {
    outcome.answer = Refused("RATE_LIMITED", "too many unanswered sends");
    return outcome;
  }
  const std::string failure = TakeRoomFailure(request.room, &fail_rooms_);
  if (!failure.empty() && failure != "LOST_ACK") {
    outcome.answer = Refused(failure.c_str(), "set up to fail");
    return outcome;
  }
  const SendFate fate = failure == "LOST_ACK"
                            ? SendFate::kLostAnswer
                            : FateOf(TextMember(request.content, "content"));
  if (auto failed = FailedRequest(fate)) {
    outcome = *std::move(failed);
  } else {
    outcome = Accept(id, link, request);
    LoseAnswer(fate, &outcome);
  }
  const json& error = Member(outcome.answer, "error");
  if (observer_ != nullptr && !error.is_null()) {
    observer_->OnRefused(request.room, request.client_id,
                         TextMember(error, "code"));
  }
  return outcome;
}

SimServer::Outcome SimServer::Accept(LinkId id, Link* link,
                                     const SendRequest& request) {
  Outcome outcome;
  Chain& chain = link->chains[request.room];
  const LogEntry* const first = FindFirst(link->user, request.client_id);
  if (first != nullptr) {
    const json& sent = first->sent;
    if ((sent.is_null() ? ContentOf(first->event) : sent) != request.content) {
      outcome.answer =
          Refused("IDEMPOTENCY_MISMATCH", "the id was used for another message",
                  {{"messageId", first->message_id}});
      return outcome;
    }
    chain = {true, request.client_id};
  } else if (json refusal = NoMember(request.room, link->user);
             !refusal.is_null()) {
    outcome.answer = std::move(refusal);
    return outcome;
  } else if (options_.Has("send.ordered") && !faults_.ignores_order &&
             request.after.has_value() &&
             (!chain.any || chain.client_id != *request.after)) {
    outcome.answer =
        Refused("OUT_OF_ORDER", "its predecessor was not the last");
    return outcome;
  }
  if (first == nullptr) chain = {true, request.client_id};
  const LogEntry& entry =
      first != nullptr
          ? *first
          : Append(id, link->user, request.client_id, request.content);
  json data;
  if (options_.Has("ack.message-id")) {
    data = {{"messageId", entry.message_id},
            {"seq", entry.seq},
            {"timestamp", entry.event["timestamp"]}};
    if (first != nullptr) data["duplicate"] = true;
  }
  outcome.answer = SuccessAnswer(data);
  if (first == nullptr) {
    outcome.to_room.emplace_back(EventFrame("message:new", entry.event),
                                 request.room);
    outcome.include_sender = true;
  }
  return outcome;
}

SimServer::Outcome SimServer::SendPlugin(LinkId id, Link* link,
                                         const json& payload) {
  Outcome outcome;
  const std::string room = TextMember(payload, "roomName");
  if (room.empty()) {
    outcome.answer = Refused("ROOM_NOT_FOUND", "Room not found");
    return outcome;
  }
  json content = {{"roomName", room}};
  for (const char* name : {"content", "threadId", "metadata"}) {
    const json& member = Member(payload, name);
    if (!member.is_null()) content[name] = member;
  }
  const SendFate fate = FateOf(TextMember(content, "content"));
  if (fate == SendFate::kCloseBefore) {
    outcome.end_link = true;
    return outcome;
  }
  const bool refused =
      fate == SendFate::kRateLimited || fate == SendFate::kInternalError ||
      fate == SendFate::kForbidden || fate == SendFate::kInvalid;
  if (refused) {
    // The only codes that this server has.
    const bool for_good =
        fate == SendFate::kForbidden || fate == SendFate::kInvalid;
    outcome.answer = Refused(for_good ? "ROOM_NOT_FOUND" : "INTERNAL_ERROR",
                             "Failed to send message");
    return outcome;
  }
  // This server knows no client ids; it gives metadata back as it came.
  const std::string client_id = TextMember(
      Member(Member(content, "metadata"), "parley"), "clientMessageId");
  const LogEntry& entry = Append(id, link->user, client_id, content);
  json event = entry.event;
  event.erase("messageId");
  event.erase("seq");
  outcome.to_room.emplace_back(EventFrame("message:new", event), room);
  outcome.include_sender = true;
  outcome.answer = SuccessAnswer(nullptr);
  LoseAnswer(fate, &outcome);
  return outcome;
}

const LogEntry* SimServer::FindFirst(const std::string& sender,
                                     const std::string& client_id) const {
  if (client_id.empty() || faults_.forgets_repeats ||
      !options_.Has("dedup.client-message-id")) {
    return nullptr;
  }
  const auto found = first_.find({sender, client_id});
  return found == first_.end() ? nullptr : &log_[found->second];
}

const LogEntry& SimServer::Append(LinkId link, const std::string& sender,
                                  const std::string& client_id,
                                  const json& content) {
  LogEntry entry;
  entry.message_id = absl::StrCat("m", epoch_, "-", log_.size() + 1);
  entry.room = TextMember(content, "roomName");
  entry.sender = sender;
  entry.client_id = client_id;
  entry.text = TextMember(content, "content");
  entry.link = link;
  const LogEntry& stored = Store(std::move(entry), content);
  if (observer_ != nullptr) observer_->OnAppended(stored);
  return stored;
}

const LogEntry& SimServer::Store(LogEntry entry, const json& content) {
  std::vector<size_t>& messages = rooms_[entry.room].messages;
  entry.seq = messages.size() + 1;
  entry.event = content;
  entry.event["messageId"] = entry.message_id;
  entry.event["seq"] = entry.seq;
  entry.event["userId"] = entry.sender;
  entry.event["timestamp"] = Timestamp();
  if (!entry.client_id.empty()) {
    if (!options_.plugin) entry.event["clientMessageId"] = entry.client_id;
    first_.emplace(std::pair(entry.sender, entry.client_id), log_.size());
  }
  messages.push_back(log_.size());
  by_id_.emplace(entry.message_id, log_.size());
  Number(&entry, log_.size());
  if (options_.Has("message.changes")) entry.event["version"] = entry.version;
  log_.push_back(std::move(entry));
  return log_.back();
}

void SimServer::SayAsOther(const std::string& user, const std::string& room,
                           const std::string& text) {
  json content = {{"roomName", room}, {"content", text}};
  if (!options_.plugin) content["type"] = "text";
  json event = Append(0, user, "", content).event;
  if (options_.plugin) {
    event.erase("messageId");
    event.erase("seq");
  }
  ToRoom(room, EventFrame("message:new", event), 0);
}

void SimServer::Adopt(const LogEntry& entry) {
  json content = {{"roomName", entry.room}, {"content", entry.text}};
  if (!options_.plugin) content["type"] = "text";
  Store(entry, content);
}

SimServer::Outcome SimServer::RefreshRequest(const Link& link,
                                             const json& payload) {
  Outcome outcome;
  const auto user =
      VerifyToken(Member(payload, "token"), scheduler_->Read().wall);
  if (std::holds_alternative<TokenRefusal>(user)) {
    outcome.answer =
        RefusalAnswer({"UNAUTHENTICATED", "Invalid token", std::nullopt, {}});
  } else if (std::get<std::string>(user) != link.user) {
    outcome.answer = RefusalAnswer(
        {"FORBIDDEN", "the token is for another user", std::nullopt, {}});
  } else {
    outcome.answer = SuccessAnswer({{"userId", link.user}});
  }
  return outcome;
}

SimServer::Outcome SimServer::PingRequest(const json& payload) {
  Outcome outcome;
  const json& timestamp = Member(payload, "timestamp");
  if (!timestamp.is_null() && !timestamp.is_number()) {
    outcome.answer =
        RefusalAnswer(InvalidPayload("timestamp", "must be a number"));
    return outcome;
  }
  json data = {{"serverTime", Timestamp()}};
  if (!timestamp.is_null()) data["timestamp"] = timestamp;
  outcome.to_self = EventFrame(
      "pong", {{"timestamp", absl::ToUnixMillis(scheduler_->Read().wall)}});
  outcome.answer = SuccessAnswer(data);
  return outcome;
}

}  // namespace parley::sim
