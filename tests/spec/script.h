#ifndef TESTS_SPEC_SCRIPT_H_
#define TESTS_SPEC_SCRIPT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/sim/auditor.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/socketio_text.h"
#include "tests/sim/trace.h"
#include "tests/sim/truth.h"
#include "tests/spec/output.h"
#include "tests/spec/spec_case.h"
#include "tests/spec/spec_device.h"
#include "tests/spec/spec_disk.h"

namespace parley::spec {

// Plays a case step by step against one device, and is its server, network and
// clock. An auditor looks on where the disk allows it.
//
// What a client does:
//   send {room, id?, text, expire_after_s?}   join ROOM   leave ROOM
//   retry ID   cancel ID   flush   connect   disconnect   status
//   set_credentials {user, number}   sign_out {discard?, wipe?}
//   sync {room?, deadline_s?}   cancel_sync
//   shows ROOM (as a client reads it)
// What happens to the device:
//   start   restart kill|power   timer NAME   wait_s N   wait_ms N
//   wait_is {timer, over_s, at_most_s}   cause_has TEXT (of the last status)
//   network true|false   resumed
//   commit   commit_fails before|after|full   recovered true|false
// What the network does:
//   token USER|null|{user, expires_in_s}   same_token (as the last one)
//   kept_token (the one that a client gave)   opened   binary BYTES
//   closed {reason?, code?, retry_after_s?}
//   late {...}, which is one of these or of the server's, of the connection or
//     the fetch before the present one
// What the server does (server {...}):
//   open   connected   ready   ready_for USER   ready_ahead_s SECONDS
//   refuses_connect CODE   pings   pongs   raw TEXT
//   accepts ID {first?}   accepts_bare ID   refuses ID {code}   echoes ID
//   takes ID (and the device hears nothing of it)   answers ID {with}
//   joins ROOM   refuses_join ROOM {code}   lets_leave ROOM
//   refuses_leave ROOM {code}   answers_join ROOM {with}
//   says {user, room, text, id, seq?, client_id?}
//   missed {room, to} (messages m1 to mN, of which the device hears nothing)
//   page {room, cursor, messages [{user, text, id, seq?, client_id?,
//     deleted?}], more?, epoch?}, or {room, code}: the answer to the room's
//     last request for history
//   history EPOCH (what it had is lost; its next ready event says so)
//   answers_event NAME {with} (the last event of that name)
// Answers go to the last frame for that id or room ("first": to the first);
// `with` is the answer's array of arguments, whatever it is.
//
// Two steps stand for many, and show nothing: `online [ROOM...]` starts the
// device and has it joined to the rooms; `reconnects` brings the next
// connection up to its ready event. A step with `each` [FROM, TO] is played for
// each of these numbers, which stand for every # in it. A step with `show`
// expects only lines that begin with one of these words.
class Script {
 public:
  // `spec` and `disk` must outlive the script.
  Script(const SpecCase& spec, SpecDisk* disk);

  // INVALID_ARGUMENT: the step cannot be played.
  absl::Status Play(const Json& step);
  // What came of the last step, as far as it wants to show it.
  std::vector<std::string> TakeOutput();

  // For one that goes on where the script stops.
  SpecDevice& device() { return device_; }
  sim::Scheduler& clock() { return clock_; }
  sim::ServerTruth& truth() { return truth_; }
  sim::Auditor* auditor() { return auditor_.get(); }
  sim::Verdict& verdict() { return verdict_; }
  const std::vector<sim::LogEntry>& log() const { return log_; }
  void Call(core::CommandBody body);
  // The commands of a client's step; nothing: it is no client's.
  static std::vector<core::CommandBody> CommandsOf(const Json& step);

 private:
  struct SentFrame {
    std::string event;
    std::string room;
    std::string client_id;  // of a send
    std::string text;
    uint64_t ack_id = 0;
  };

  absl::Status PlayOnce(const Json& step);
  absl::Status PlayDevice(const std::string& action, const Json& value);
  absl::Status PlayNetwork(const std::string& action, const Json& value);
  absl::Status PlayServer(const Json& server);
  absl::Status PlayAnswer(const std::string& action, const Json& server);
  absl::Status PlayLate(const Json& step);
  absl::Status FireTimer(const std::string& name);
  absl::Status CheckWait(const Json& wait) const;
  absl::Status Show(const std::string& room);
  absl::Status FailCommit(const std::string& how);
  absl::Status GoOnline(const Json& rooms);
  absl::Status Reconnect();
  void Token(const Json& user);
  void GiveToken();
  void Text(const std::string& text);
  // Whose clock is so far ahead of the device's.
  void Ready(absl::Duration ahead);
  // What the server says of a message, in the shape of its event.
  nlohmann::json MessageOf(const Json& said);
  void Says(const Json& said);
  absl::Status Page(const Json& page);
  uint64_t LastSeq(const std::string& room) const;
  // The number of a message in its room, which it gets when it is first named.
  uint64_t SeqOf(const std::string& room, const std::string& id);
  core::ConnectionId connection() const {
    return late_ ? device_.dead_connection() : device_.connection();
  }
  const SentFrame* FindSend(const std::string& client_id, bool first) const;
  const SentFrame* FindRoom(const std::string& event,
                            const std::string& room) const;
  // The server takes the message, unless it has it.
  const sim::LogEntry& Append(const SentFrame& frame);
  void OnEffect(core::EffectBody& effect);

  const SpecCase& spec_;
  SpecDisk* const disk_;
  const storage::Store* store_;
  sim::Scheduler clock_;
  sim::Trace trace_;
  sim::Probes probes_;
  sim::Verdict verdict_;
  sim::ServerTruth truth_;
  std::unique_ptr<sim::Auditor> auditor_;
  Output output_;
  SpecDevice device_;
  uint64_t last_call_ = 0;
  std::vector<std::string> show_;
  bool late_ = false;
  std::string token_;
  std::string kept_token_;
  std::string cause_;
  int last_token_ = 0;
  std::string epoch_ = "epoch-1";
  std::vector<SentFrame> frames_;
  std::vector<sim::LogEntry> log_;
  std::map<std::string, std::map<std::string, uint64_t>> seqs_;  // by room, id
};

}  // namespace parley::spec

#endif  // TESTS_SPEC_SCRIPT_H_
