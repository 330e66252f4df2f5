#include "tests/sim/sim_server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/token.h"

namespace parley::sim {
namespace {

using nlohmann::json;

constexpr uint32_t kMaxPendingRequests = 1024;  // rule L-2
constexpr size_t kMaxListedRooms = 100;         // rule R-2

// The capability that a request needs (rule R-4); null: none.
const char* NeededFor(const std::string& event) {
  static const auto* const needs = new std::map<std::string, const char*>{
      {"sync:messages", "history.cursor"},
      {"message:edit", "message.changes"},
      {"message:delete", "message.changes"},
      {"reaction:add", "message.changes"},
      {"reaction:remove", "message.changes"},
      {"sync:channels", "rooms.list"},
      {"room:members", "rooms.list"}};
  const auto found = needs->find(event);
  return found == needs->end() ? nullptr : found->second;
}

// Whoever draws a server leaves capabilities out: changes are offered only with
// a history (rule R-4).
ServerOptions Consistent(ServerOptions options) {
  if (!options.Has("history.cursor")) {
    auto& names = options.capabilities;
    names.erase(std::remove(names.begin(), names.end(), "message.changes"),
                names.end());
  }
  return options;
}

}  // namespace

SimServer::SimServer(const ServerOptions& options, Scheduler* scheduler,
                     ServerLinks* links, ServerObserver* observer,
                     base::Rng rng)
    : options_(Consistent(options)),
      scheduler_(scheduler),
      links_(links),
      observer_(observer),
      rng_(rng),
      fail_rooms_(options.fail_rooms),
      fail_syncs_(options.fail_syncs) {}

bool SimServer::OneIn1000(int per_mille) {
  return per_mille > 0 && rng_.Below(1000) < static_cast<uint64_t>(per_mille);
}

SimServer::Link* SimServer::Find(LinkId link) {
  const auto found = links_up_.find(link);
  return found == links_up_.end() ? nullptr : &found->second;
}

std::string SimServer::Timestamp() const {
  return WireTime(scheduler_->Read().wall);
}

// --- Links -------------------------------------------------------------------

void SimServer::OnOpened(LinkId id) {
  Link& link = links_up_[id];
  link.sid = absl::StrCat("sid-", ++last_sid_);
  const json open = {
      {"sid", link.sid},
      {"upgrades", json::array()},
      {"pingInterval", absl::ToInt64Milliseconds(options_.ping_interval)},
      {"pingTimeout", absl::ToInt64Milliseconds(options_.ping_timeout)},
      {"maxPayload", options_.max_payload_bytes}};
  links_->ToClient(id, PlainFrame("0", open));
  scheduler_->After(options_.ping_interval, [this, id] { Ping(id); });
}

void SimServer::Ping(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr) return;
  link->pong_due = true;
  links_->ToClient(id, "2");
  scheduler_->After(options_.ping_timeout, [this, id] {
    Link* const link = Find(id);
    if (link != nullptr && link->pong_due) End(id);
  });
  scheduler_->After(options_.ping_interval, [this, id] { Ping(id); });
}

void SimServer::End(LinkId id) {
  if (Find(id) == nullptr) return;
  OnGone(id);
  links_->EndByServer(id);
}

void SimServer::OnGone(LinkId id) {
  const auto found = links_up_.find(id);
  if (found == links_up_.end()) return;
  const Link link = std::move(found->second);
  links_up_.erase(found);
  if (options_.plugin || options_.Has("rooms.membership")) return;
  // Without durable membership it ends with the last connection that joined.
  for (const std::string& room : link.attached) {
    const bool elsewhere = std::any_of(
        links_up_.begin(), links_up_.end(), [&link, &room](const auto& other) {
          return other.second.user == link.user &&
                 other.second.attached.count(room) > 0;
        });
    if (elsewhere || !IsMember(room, link.user)) continue;
    RemoveMember(room, link.user);
    ToRoom(room,
           EventFrame("user:left", {{"roomName", room},
                                    {"userId", link.user},
                                    {"timestamp", Timestamp()}}),
           id);
  }
}

void SimServer::Restart(bool lose_history) {
  ++life_;
  durable_at_ = base::MonotonicTime();
  const std::map<LinkId, Link> ended = std::move(links_up_);
  links_up_.clear();
  for (const auto& [id, link] : ended) links_->EndByServer(id);
  if (!options_.plugin && !options_.Has("rooms.membership")) {
    for (auto& [name, room] : rooms_) room.members.clear();
  }
  if (!lose_history) return;
  ++epoch_;
  rooms_.clear();
  log_.clear();
  by_id_.clear();
  first_.clear();
  if (observer_ != nullptr) observer_->OnHistoryLost();
}

void SimServer::OnText(LinkId id, const std::string& text) {
  Link* const link = Find(id);
  if (link == nullptr) return;
  if (text.size() > options_.max_payload_bytes) return End(id);
  const Frame frame = ParseFrame(text);
  switch (frame.kind) {
    case Frame::Kind::kPong:
      link->pong_due = false;
      return;
    case Frame::Kind::kPing:
      return links_->ToClient(id, "3");
    case Frame::Kind::kConnect:
      return link->connected ? End(id) : OnConnect(id, link, frame.data);
    case Frame::Kind::kEvent:
      return link->connected ? OnEvent(id, link, frame) : End(id);
    case Frame::Kind::kAck:
      return;
    case Frame::Kind::kOpen:
    case Frame::Kind::kEngineClose:
    case Frame::Kind::kDisconnect:
    case Frame::Kind::kConnectRefused:
    case Frame::Kind::kGarbage:
      return End(id);
  }
}

void SimServer::OnConnect(LinkId id, Link* link, const json& auth) {
  const auto user = VerifyToken(Member(auth, "token"), scheduler_->Read().wall);
  if (const auto* refusal = std::get_if<TokenRefusal>(&user)) {
    const bool none = refusal->code == "AUTH_REQUIRED";
    json refused = json::object();
    refused["message"] = none ? "Authentication required" : "Invalid token";
    refused["data"] = {{"code", refusal->code}};
    return links_->ToClient(id, PlainFrame("44", refused));
  }
  link->connected = true;
  link->user = std::get<std::string>(user);
  link->device = DeviceIdOf(auth);
  links_->ToClient(id, PlainFrame("40", json{{"sid", link->sid}}));
  if (!options_.plugin) return BecomeReady(id);
  // This server listens only once its database has answered.
  scheduler_->After(rng_.DurationUpTo(absl::Milliseconds(60)),
                    [this, id] { BecomeReady(id); });
}

void SimServer::BecomeReady(LinkId id) {
  Link* const link = Find(id);
  if (link == nullptr) return;
  link->ready = true;
  json ready = {{"socketId", link->sid},
                {"serverTime", Timestamp()},
                {"protocolVersion", options_.plugin ? "1.0" : "2.0"}};
  if (options_.plugin) {
    return links_->ToClient(id, EventFrame("connected", ready));
  }
  ready["userId"] = link->user;
  ready["capabilities"] = options_.capabilities;
  ready["historyEpoch"] =
      options_.Has("history.cursor") ? absl::StrCat("epoch-", epoch_) : "";
  ready["limits"] = {{"maxMessageBytes", options_.max_message_bytes}};
  if (options_.Has("send.ordered")) {
    ready["limits"]["orderedWindow"] = options_.ordered_window;
  }
  links_->ToClient(id, EventFrame("connected", ready));
  json rooms = json::array();
  for (const auto& [name, room] : rooms_) {
    if (rooms.size() < kMaxListedRooms && IsMember(name, link->user)) {
      rooms.push_back(name);
    }
  }
  links_->ToClient(id, EventFrame("authenticated", {{"userId", link->user},
                                                    {"sessionId", link->sid},
                                                    {"rooms", rooms}}));
}

// --- Requests ----------------------------------------------------------------

void SimServer::WhenDurable(std::function<void()> release) {
  const base::MonotonicTime now = scheduler_->now();
  if (options_.commit_delay == absl::ZeroDuration() && durable_at_ <= now) {
    return release();
  }
  durable_at_ = std::max(durable_at_, now + options_.commit_delay);
  scheduler_->At(durable_at_,
                 [this, life = life_, release = std::move(release)] {
                   if (life == life_) release();
                 });
}

void SimServer::OnEvent(LinkId id, Link* link, const Frame& frame) {
  if (!link->ready) return;  // nobody listens yet
  if (link->pending >= kMaxPendingRequests) {
    if (frame.ack_id.has_value()) {
      links_->ToClient(id,
                       AckFrame(*frame.ack_id,
                                Refused("RATE_LIMITED", "too many requests")));
    }
    return;
  }
  ++link->pending;
  if (options_.plugin) {
    // Each request waits for a query of its own: they overtake each other.
    scheduler_->After(rng_.DurationUpTo(absl::Milliseconds(20)),
                      [this, id, frame, life = life_] {
                        Link* const link = Find(id);
                        if (life != life_ || link == nullptr) return;
                        --link->pending;
                        Tell(id, Run(id, link, frame.event(), frame.payload()),
                             frame.ack_id);
                      });
    return;
  }
  const Outcome outcome = Run(id, link, frame.event(), frame.payload());
  WhenDurable([this, id, outcome, ack_id = frame.ack_id] {
    if (Link* const link = Find(id)) --link->pending;
    Tell(id, outcome, ack_id);
  });
}

SimServer::Outcome SimServer::Run(LinkId id, Link* link,
                                  const std::string& event,
                                  const json& payload) {
  if (event == "room:join") return Join(id, link, payload);
  if (event == "room:leave") return Leave(id, link, payload);
  if (event == "message:send") {
    return options_.plugin ? SendPlugin(id, link, payload)
                           : Send(id, link, payload);
  }
  Outcome outcome;
  if (options_.plugin) {
    outcome.no_answer = true;  // this server ignores what it does not know
    return outcome;
  }
  const char* const needed = NeededFor(event);
  if (needed != nullptr && !options_.Has(needed)) {
    outcome.answer = Refused(
        "UNSUPPORTED", absl::StrCat("the server does not offer ", needed));
    return outcome;
  }
  if (event == "sync:messages") return Sync(link, payload);
  if (event == "sync:channels") return ListRooms(link, payload);
  if (event == "room:members") return ListMembers(link, payload);
  if (needed != nullptr) return Change(link, event, payload);
  if (event == "ping") return PingRequest(payload);
  if (event == "auth:refresh" && options_.auth_refresh) {
    return RefreshRequest(*link, payload);
  }
  outcome.answer = Refused("UNSUPPORTED", "the server knows no such event");
  return outcome;
}

void SimServer::Tell(LinkId id, const Outcome& outcome,
                     std::optional<uint64_t> ack_id) {
  const auto answer = [this, id, &outcome, ack_id] {
    if (!ack_id.has_value() || outcome.no_answer || outcome.end_link) return;
    const std::string frame = AckFrame(*ack_id, outcome.answer);
    links_->ToClient(id, frame);
    if (outcome.answer_twice) links_->ToClient(id, frame);
  };
  if (outcome.answer_first) answer();
  for (const auto& [frame, room] : outcome.to_room) {
    ToRoom(room, frame, outcome.include_sender ? 0 : id);
  }
  if (!outcome.to_self.empty() && Find(id) != nullptr) {
    links_->ToClient(id, outcome.to_self);
  }
  if (Find(id) == nullptr) return;
  if (outcome.end_link) return End(id);
  if (!outcome.answer_first) answer();
  Misbehave(id);
}

void SimServer::Misbehave(LinkId id) {
  if (OneIn1000(faults_.unknown_event)) {
    static constexpr const char* kFrames[] = {
        R"(42["presence:storm",{"userId":"eve"}])",
        R"(42["message:new",{"roomName":7,"content":null}])",
        R"(42["message:new"])",
        R"(42["user:joined",[]])",
        R"(43999999[{"success":true}])",
        R"(6)",
    };
    links_->ToClient(id, kFrames[rng_.Below(std::size(kFrames))]);
  }
  if (OneIn1000(faults_.illegal_frame)) {
    static constexpr const char* kFrames[] = {"42[", "9", "42{}", "40[]", ""};
    links_->ToClient(id, kFrames[rng_.Below(std::size(kFrames))]);
  }
}

void SimServer::ToRoom(const std::string& room, const std::string& frame,
                       LinkId except) {
  for (const auto& [id, link] : links_up_) {
    if (id != except && link.attached.count(room) > 0) {
      links_->ToClient(id, frame);
    }
  }
}

}  // namespace parley::sim
