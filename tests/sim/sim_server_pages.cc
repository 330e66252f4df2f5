// What is read in pages: rules H and B of PROTOCOL.md.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/sim_server.h"

namespace parley::sim {
namespace {

using nlohmann::json;

constexpr int64_t kDefaultLimit = 100;
constexpr int64_t kMaxLimit = 500;
constexpr size_t kMaxPageBytes = 262144;

// What a cursor counts. A seq is good as a change too, not the other way round:
// the change of a message is never smaller than its seq.
constexpr char kBySeq = ':';
constexpr char kByChange = '@';
constexpr char kByJoin = '#';

std::variant<int64_t, Refusal> ReadLimit(const json& payload) {
  const json& limit = Member(payload, "limit");
  if (limit.is_null()) return kDefaultLimit;
  const int64_t wanted = limit.is_number_integer() ? limit.get<int64_t>() : 0;
  if (wanted < 1 || wanted > kMaxLimit) {
    return InvalidPayload("limit", "is not 1 to 500");
  }
  return wanted;
}

// Items until the page is full (rule H-5).
class Page {
 public:
  Page(uint64_t after, int64_t limit)
      : limit_(static_cast<size_t>(limit)), up_to_(after) {}

  // False: the item has no place, nor has any that follows.
  bool Add(uint64_t number, json item) {
    if (items_.size() == limit_) return Full();
    bytes_ += item.dump().size();
    if (bytes_ > kMaxPageBytes && !items_.empty()) return Full();
    items_.push_back(std::move(item));
    up_to_ = number;
    return true;
  }

  const json& items() const { return items_; }
  uint64_t up_to() const { return up_to_; }
  bool has_more() const { return has_more_; }

 private:
  bool Full() {
    has_more_ = true;
    return false;
  }

  const size_t limit_;
  json items_ = json::array();
  size_t bytes_ = 0;
  uint64_t up_to_;  // the number of the last item, or where the page begins
  bool has_more_ = false;
};

}  // namespace

std::string SimServer::Cursor(char order, uint64_t number) const {
  return absl::StrCat("epoch-", epoch_, std::string(1, order), number);
}

std::variant<uint64_t, Refusal> SimServer::ReadCursor(const json& payload,
                                                      char order,
                                                      uint64_t last) const {
  if (Member(payload, "cursor").is_null()) return uint64_t{0};
  const std::string text = TextMember(payload, "cursor");
  const size_t mark = text.find_last_of(":@#");
  uint64_t number = 0;
  if (mark == std::string::npos ||
      !absl::SimpleAtoi(text.substr(mark + 1), &number) ||
      (text[mark] == kByJoin) != (order == kByJoin)) {
    return InvalidPayload("cursor", "is none of this server");
  }
  const std::string epoch = absl::StrCat("epoch-", epoch_);
  const bool skips = text[mark] == kByChange && order == kBySeq;
  if (text.substr(0, mark) != epoch || number > last || skips) {
    return Refusal{"EPOCH_CHANGED", "the history is gone", std::nullopt,
                   json{{"historyEpoch", epoch}}};
  }
  return number;
}

void SimServer::AddEnd(const Room& room, json* data) const {
  if (options_.Has("history.cursor")) {
    (*data)["lastSeq"] = room.messages.size();
  }
  if (options_.Has("message.changes")) {
    (*data)["lastChange"] = room.last_change;
  }
}

SimServer::Outcome SimServer::Sync(Link* link, const json& payload) {
  Outcome outcome;
  const auto name = ReadRoomName(payload);
  const auto limit = ReadLimit(payload);
  const auto* refusal = std::get_if<Refusal>(&name);
  if (refusal == nullptr) refusal = std::get_if<Refusal>(&limit);
  if (refusal != nullptr) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const std::string& room_name = std::get<std::string>(name);
  if (json denied = NoMember(room_name, link->user); !denied.is_null()) {
    outcome.answer = std::move(denied);
    return outcome;
  }
  std::string failure = TakeRoomFailure(room_name, &fail_syncs_);
  if (OneIn1000(faults_.sync_refused)) failure = "UNAVAILABLE";
  if (!failure.empty() && failure != "LOST_ACK") {
    outcome.answer = Refused(failure.c_str(), "set up to fail");
    return outcome;
  }
  const bool by_change = options_.Has("message.changes");
  const char order = by_change ? kByChange : kBySeq;
  const Room& room = rooms_[room_name];
  const auto after = ReadCursor(
      payload, order, by_change ? room.last_change : room.messages.size());
  if (const auto* refused = std::get_if<Refusal>(&after)) {
    outcome.answer = RefusalAnswer(*refused);
    return outcome;
  }
  uint64_t position = std::get<uint64_t>(after);
  Page page(position, std::get<int64_t>(limit));
  if (by_change) {
    for (auto it = room.changes.upper_bound(position);
         it != room.changes.end() &&
         page.Add(it->first, log_[it->second].event);
         ++it) {
    }
  } else {
    for (; position < room.messages.size() &&
           page.Add(position + 1, log_[room.messages[position]].event);
         ++position) {
    }
  }
  json data = {{"messages", page.items()},
               {"cursor", Cursor(order, page.up_to())},
               {"hasMore", page.has_more()},
               {"historyEpoch", absl::StrCat("epoch-", epoch_)},
               {"serverTime", Timestamp()}};
  if (by_change) data["lastChange"] = room.last_change;
  if (faults_.skips_history && !data["messages"].empty()) {
    data["messages"].erase(0);
  }
  outcome.answer = SuccessAnswer(data);
  outcome.end_link = failure == "LOST_ACK";
  return outcome;
}

SimServer::Outcome SimServer::ListRooms(Link* link, const json& payload) {
  Outcome outcome;
  const auto limit = ReadLimit(payload);
  const auto after = ReadCursor(payload, kByJoin, last_join_);
  const auto* refusal = std::get_if<Refusal>(&limit);
  if (refusal == nullptr) refusal = std::get_if<Refusal>(&after);
  if (refusal != nullptr) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  std::map<uint64_t, json> by_join;
  for (const auto& [name, room] : rooms_) {
    for (const RoomMember& member : room.members) {
      if (member.user != link->user) continue;
      json told = {{"roomName", name},
                   {"type", room.type},
                   {"memberCount", room.members.size()},
                   {"joinedAt", member.joined_at}};
      AddEnd(room, &told);
      by_join.emplace(member.number, std::move(told));
    }
  }
  const uint64_t position = std::get<uint64_t>(after);
  Page page(position, std::get<int64_t>(limit));
  for (auto it = by_join.upper_bound(position);
       it != by_join.end() && page.Add(it->first, it->second); ++it) {
  }
  outcome.answer = SuccessAnswer({{"channels", page.items()},
                                  {"cursor", Cursor(kByJoin, page.up_to())},
                                  {"hasMore", page.has_more()},
                                  {"serverTime", Timestamp()}});
  return outcome;
}

SimServer::Outcome SimServer::ListMembers(Link* link, const json& payload) {
  Outcome outcome;
  const auto name = ReadRoomName(payload);
  const auto limit = ReadLimit(payload);
  const auto* refusal = std::get_if<Refusal>(&name);
  if (refusal == nullptr) refusal = std::get_if<Refusal>(&limit);
  if (refusal != nullptr) {
    outcome.answer = RefusalAnswer(*refusal);
    return outcome;
  }
  const std::string& room_name = std::get<std::string>(name);
  if (json denied = NoMember(room_name, link->user); !denied.is_null()) {
    outcome.answer = std::move(denied);
    return outcome;
  }
  const auto after = ReadCursor(payload, kByJoin, last_join_);
  if (const auto* refused = std::get_if<Refusal>(&after)) {
    outcome.answer = RefusalAnswer(*refused);
    return outcome;
  }
  const uint64_t position = std::get<uint64_t>(after);
  Page page(position, std::get<int64_t>(limit));
  for (const RoomMember& member : rooms_[room_name].members) {
    if (member.number <= position) continue;
    if (!page.Add(member.number,
                  {{"userId", member.user}, {"joinedAt", member.joined_at}})) {
      break;
    }
  }
  outcome.answer = SuccessAnswer({{"members", page.items()},
                                  {"cursor", Cursor(kByJoin, page.up_to())},
                                  {"hasMore", page.has_more()},
                                  {"serverTime", Timestamp()}});
  return outcome;
}

}  // namespace parley::sim
