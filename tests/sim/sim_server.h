#ifndef TESTS_SIM_SIM_SERVER_H_
#define TESTS_SIM_SIM_SERVER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "nlohmann/json.hpp"
#include "tests/sim/scheduler.h"
#include "tests/sim/server_payload.h"
#include "tests/sim/socketio_text.h"

namespace parley::sim {

// A connection as the network and the server name it. Never used again.
using LinkId = uint64_t;

// Requests for a room that are answered with an error, however good they are.
struct RoomFailure {
  std::string room;
  std::string code;  // LOST_ACK: carried out and told, then the link ends
  int count = -1;    // so many; -1: all
};

// What the server can do, and how it is set up.
struct ServerOptions {
  bool plugin = false;       // the small dialect: no capabilities, no ids
  bool auth_refresh = true;  // false: as servers that do not know it
  std::vector<std::string> capabilities = {
      "ack.message-id", "dedup.client-message-id", "send.ordered",
      "history.cursor", "rooms.membership",        "message.changes",
      "rooms.list"};
  uint32_t ordered_window = 16;
  size_t max_payload_bytes = 1000000;
  size_t max_message_bytes = 64 * 1024;
  size_t max_rooms_per_user = 10000;
  size_t max_members_per_room = 10000;
  absl::Duration ping_interval = absl::Seconds(25);
  absl::Duration ping_timeout = absl::Seconds(20);
  absl::Duration commit_delay;          // before anything decided is told
  std::vector<RoomFailure> fail_rooms;  // of sends and changes
  std::vector<RoomFailure> fail_syncs;  // of sync:messages

  bool Has(const char* capability) const {
    return !plugin && std::find(capabilities.begin(), capabilities.end(),
                                capability) != capabilities.end();
  }
};

// How often, in a thousand, the server misbehaves. Marked messages and edits
// are treated as their text says whatever these are: "!forbidden", "!invalid",
// "!poison".
struct ServerFaults {
  int rate_limited = 0;
  int internal_error = 0;
  int lost_answer = 0;   // stored and announced, then the link ends
  int no_answer = 0;     // stored and announced, never answered
  int close_before = 0;  // the link ends, nothing is stored
  int answer_twice = 0;
  int answer_first = 0;  // before the echo, which is against rule A-4
  int join_refused = 0;
  int sync_refused = 0;
  int unknown_event = 0;  // an event that no dialect knows, or a broken one
  int illegal_frame = 0;  // what no Socket.IO server sends
  // Sabotage: what an auditor must catch. Never part of a normal run.
  bool forgets_repeats = false;
  bool ignores_order = false;
  bool skips_history = false;  // the first message of each page of it
};

// The edit of a message that stands (rule U-6). Times are as on the wire.
struct StandingEdit {
  std::string user;
  std::string device;       // empty: none
  std::string action_time;  // as it was given
  std::string edited_at;    // as it counts
  nlohmann::json body;      // what it said anew
};

// A message that the server has accepted, and what became of it.
// NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
struct LogEntry {
  std::string message_id;
  uint64_t seq = 0;  // in the room, from 1
  std::string room;
  std::string sender;
  std::string client_id;  // empty: none
  std::string text;       // as it was sent
  nlohmann::json event;   // message:new, in its present form
  LinkId link = 0;        // that brought it; 0: another user's
  uint64_t change = 0;    // the room's number of its last change
  uint64_t version = 1;
  std::optional<StandingEdit> edit;
  bool deleted = false;
  // What a repeat is compared with (rule U-13); null: the event has it still.
  nlohmann::json sent;
};

// The other end of the links. Both calls may come at any moment.
class ServerLinks {
 public:
  virtual ~ServerLinks() = default;
  virtual void ToClient(LinkId link, std::string frame) = 0;
  virtual void EndByServer(LinkId link) = 0;
};

// What an auditor learns from the server itself.
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  // Called before anybody is told. A repeat is not appended again.
  virtual void OnAppended(const LogEntry& entry) = 0;
  // Called before anybody is told, for an edit, a deletion, a reaction that
  // changed something. The entry is as it is from now on.
  virtual void OnChanged(const LogEntry& /*entry*/) {}
  virtual void OnRefused(const std::string& room, const std::string& client_id,
                         const std::string& code) = 0;
  // The history is gone; a new epoch begins.
  virtual void OnHistoryLost() = 0;
};

// A realtime server in one object, written from PROTOCOL.md: the same rules as
// tools/realtime_server has, in virtual time. Its log is the truth that an
// auditor compares a device with. Every decision is made when a frame comes;
// what is told of it waits for `commit_delay`.
class SimServer {
 public:
  // The pointers must outlive the server; `observer` may be null. Without
  // history.cursor the server offers no message.changes.
  SimServer(const ServerOptions& options, Scheduler* scheduler,
            ServerLinks* links, ServerObserver* observer, base::Rng rng);

  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;

  // From the network.
  void OnOpened(LinkId link);
  void OnText(LinkId link, const std::string& text);
  void OnGone(LinkId link);

  // The process ends and starts again: every link ends with it.
  void Restart(bool lose_history);
  void SetFaults(const ServerFaults& faults) { faults_ = faults; }
  // Somebody else's message in a room.
  void SayAsOther(const std::string& user, const std::string& room,
                  const std::string& text);
  // Somebody else's edit, deletion or reaction: a request of the wire, made by
  // who need be no member. Returns its answer.
  nlohmann::json ChangeAsOther(const std::string& user,
                               const std::string& device,
                               const std::string& event,
                               const nlohmann::json& payload);
  // For a server that takes over from another one: a message of its history,
  // of which only id, room, sender, client id and text count.
  void Adopt(const LogEntry& entry);

  const ServerOptions& options() const { return options_; }
  const std::vector<LogEntry>& log() const { return log_; }
  size_t open_links() const { return links_up_.size(); }

 private:
  struct Chain {
    bool any = false;       // a message was accepted on this link
    std::string client_id;  // of the last one; empty: it had none
  };
  struct Link {
    bool connected = false;  // CONNECT accepted
    bool ready = false;      // the ready event was sent
    bool pong_due = false;
    std::string user;
    std::string device;  // its id; empty: none
    std::string sid;
    std::set<std::string> attached;
    std::map<std::string, Chain> chains;
    std::map<std::string, uint32_t> unanswered;  // sends, by room
    uint32_t pending = 0;                        // requests
  };
  struct RoomMember {
    std::string user;
    std::string joined_at;
    uint64_t number = 0;  // of the join, among all joins
  };
  struct Room {
    std::string type;
    std::vector<RoomMember> members;     // in the order of joining
    std::vector<size_t> messages;        // indexes into log_, by seq
    std::map<uint64_t, size_t> changes;  // the same, by last change
    uint64_t last_change = 0;
  };
  // What a request leads to, told once it is durable.
  // NOLINTNEXTLINE(bugprone-exception-escape): moving JSON does not throw
  struct Outcome {
    nlohmann::json answer;
    std::vector<std::pair<std::string, std::string>> to_room;  // frame, room
    std::string to_self;  // a frame; empty: none
    bool include_sender = false;
    bool end_link = false;  // instead of the answer
    bool no_answer = false;
    bool answer_twice = false;
    bool answer_first = false;
  };
  enum class SendFate {
    kAccept,
    kRateLimited,
    kInternalError,
    kForbidden,
    kInvalid,
    kLostAnswer,
    kNoAnswer,
    kCloseBefore,
  };

  // The error for the next request for the room; empty: none.
  static std::string TakeRoomFailure(const std::string& room,
                                     std::vector<RoomFailure>* failures);
  Link* Find(LinkId link);
  void End(LinkId link);
  void Ping(LinkId link);
  void OnConnect(LinkId id, Link* link, const nlohmann::json& auth);
  void BecomeReady(LinkId id);
  void OnEvent(LinkId id, Link* link, const Frame& frame);
  Outcome Run(LinkId id, Link* link, const std::string& event,
              const nlohmann::json& payload);
  void Tell(LinkId id, const Outcome& outcome, std::optional<uint64_t> ack_id);
  void WhenDurable(std::function<void()> release);

  Outcome Join(LinkId id, Link* link, const nlohmann::json& payload);
  Outcome Leave(LinkId id, Link* link, const nlohmann::json& payload);
  Outcome Send(LinkId id, Link* link, const nlohmann::json& payload);
  Outcome Accept(LinkId id, Link* link, const SendRequest& request);
  Outcome SendPlugin(LinkId id, Link* link, const nlohmann::json& payload);
  // Why a request fails whatever it says; none: it is carried out.
  std::optional<Outcome> FailedRequest(SendFate fate);
  void LoseAnswer(SendFate fate, Outcome* outcome);
  Outcome Change(Link* link, const std::string& event,
                 const nlohmann::json& payload);
  Outcome CarryOut(const std::string& user, const std::string& device,
                   const std::string& event, const ChangeRequest& request);
  Outcome Edit(const std::string& user, const std::string& device,
               const ChangeRequest& request, LogEntry* entry);
  Outcome Delete(const std::string& user, const ChangeRequest& request,
                 LogEntry* entry);
  Outcome React(const std::string& user, const ChangeRequest& request, bool add,
                LogEntry* entry);
  // Gives the entry the room's next change number.
  void Number(LogEntry* entry, size_t index);
  Outcome Changed(LogEntry* entry, const char* event);
  std::string CountedTime(const std::string& action_time) const;

  Outcome Sync(Link* link, const nlohmann::json& payload);
  Outcome ListRooms(Link* link, const nlohmann::json& payload);
  Outcome ListMembers(Link* link, const nlohmann::json& payload);
  // Where the page begins that is asked for, or why it cannot.
  std::variant<uint64_t, Refusal> ReadCursor(const nlohmann::json& payload,
                                             char order, uint64_t last) const;
  std::string Cursor(char order, uint64_t number) const;
  // Where the room's history ends, as far as that is offered.
  void AddEnd(const Room& room, nlohmann::json* data) const;
  Outcome PingRequest(const nlohmann::json& payload);
  Outcome RefreshRequest(const Link& link, const nlohmann::json& payload);
  SendFate FateOf(const std::string& text);
  bool OneIn1000(int per_mille);
  void Misbehave(LinkId id);

  const LogEntry& Append(LinkId link, const std::string& sender,
                         const std::string& client_id,
                         const nlohmann::json& content);
  const LogEntry& Store(LogEntry entry, const nlohmann::json& content);
  const LogEntry* FindFirst(const std::string& sender,
                            const std::string& client_id) const;
  bool IsMember(const std::string& room, const std::string& user) const;
  // Null, or a refusal of whoever is no member.
  nlohmann::json NoMember(const std::string& room,
                          const std::string& user) const;
  size_t RoomsOf(const std::string& user) const;
  void RemoveMember(const std::string& room, const std::string& user);
  // To the links that are attached to the room, `except` that one.
  void ToRoom(const std::string& room, const std::string& frame, LinkId except);
  std::string Timestamp() const;

  const ServerOptions options_;
  Scheduler* const scheduler_;
  ServerLinks* const links_;
  ServerObserver* const observer_;
  base::Rng rng_;
  ServerFaults faults_;
  std::vector<RoomFailure> fail_rooms_;
  std::vector<RoomFailure> fail_syncs_;

  uint64_t epoch_ = 1;
  uint64_t life_ = 1;  // grows with each restart
  uint64_t last_sid_ = 0;
  uint64_t last_join_ = 0;
  base::MonotonicTime durable_at_;
  std::map<LinkId, Link> links_up_;
  std::map<std::string, Room> rooms_;
  std::vector<LogEntry> log_;
  std::map<std::string, size_t> by_id_;
  std::map<std::pair<std::string, std::string>, size_t> first_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_SIM_SERVER_H_
