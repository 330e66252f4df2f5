#ifndef TESTS_SIM_AUDITOR_H_
#define TESTS_SIM_AUDITOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/model/change.h"
#include "daemon/model/outbox.h"
#include "daemon/storage/store.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/socketio_text.h"
#include "tests/sim/trace.h"
#include "tests/sim/truth.h"

namespace parley::sim {

// Judges one device from outside: what its clients asked and were told, what
// left it and came to it, what its disk holds, and what the server's log says.
// It has a model of its own of what must follow; of the daemon it uses only the
// reading of stored rows. It never changes anything.
//
//   - What was accepted is in the log, in the queue, FAILED, or cancelled.
//   - In the log a room's messages stand in the order of their acceptance,
//     but for those that were parked, cancelled or expired meanwhile.
//   - What is told, or sent, is on the disk already.
//   - Before the ready event nothing leaves but CONNECT and heartbeats; there
//     is one connection at a time; no window is exceeded.
//   - A repeated id gets the same answer, another content under it is refused,
//     a cancel tells the truth.
//   - The queue's limits and counters are what its rows say.
class Auditor : public AppendListener {
 public:
  struct Options {
    std::string user;
    ServerOptions server;
    uint64_t max_entries = 0;
    uint64_t max_bytes = 0;
  };

  // `committed` is what the device's disk shows, `synced` what would survive a
  // power cut. All pointers must outlive the auditor.
  Auditor(const Options& options, const Scheduler* scheduler,
          const storage::StoreReader* committed,
          const storage::StoreReader* synced, const ServerTruth* truth,
          Verdict* verdict, Probes* probes);

  // --- Clients ---------------------------------------------------------------
  void OnCommand(const core::Command& command);
  void OnReply(const core::Reply& reply);
  // The process is gone, and the calls with it.
  void OnCallsLost() { calls_.clear(); }

  // --- The connection --------------------------------------------------------
  void OnOpen(core::ConnectionId connection, LinkId link);
  void OnConnectionOver(core::ConnectionId connection);
  void OnFrame(const core::SendFrame& frame);
  // Called before the device handles the text.
  void OnText(const core::TextReceived& text);

  // --- The disk --------------------------------------------------------------
  // It shows more than before.
  void OnApplied();
  // A crash or a failed commit: it may show less, and that is how it stays.
  void OnStoreReopened();
  // A new engine runs: what it is given now is not mixed up with what an
  // earlier one had not yet committed.
  void OnNewEngine() { ++life_; }

  // --- The server ------------------------------------------------------------
  void OnAppended(const LogEntry& entry, int occurrence) override;
  void OnHistoryLost() override { last_in_log_.clear(); }

  // Nothing is under way any more and no fault has happened for long.
  void AtRest();
  // Then also: what the server's history has of the device's rooms is here.
  void CheckHistory(const std::vector<LogEntry>& log);

  // Client ids of accepted messages, for whoever wants to repeat or cancel.
  std::vector<std::string> AcceptedIds() const;

 private:
  struct Call {
    core::CommandBody body;
    uint64_t order = 0;
  };
  struct Post {
    core::CallId call;
    uint64_t order = 0;
    uint64_t life = 0;
    bool refused = false;
  };
  // One message as a client means it, known by its text.
  struct Send {
    std::string text;
    std::string room;
    std::string client_id;  // empty: not known yet
    std::vector<Post> posts;
    std::deque<uint64_t> retries;  // orders of retries not yet seen to work
    bool accepted = false;         // a client was told so
    uint64_t accepted_life = 0;
    uint64_t seq = 0;  // of its present place in the queue; 0: never seen
    bool parked = false;
    bool gone = false;       // from the outbox
    bool attempted = false;  // the disk says that a frame may have left
    bool cancel_asked = false;
    std::optional<model::CancelOutcome> cancelled;
    std::map<LinkId, uint64_t> frames;  // seq at the time, by link
    int flagged_frames = 0;             // said to be possible duplicates
    bool sent_again = false;
  };
  struct InFlight {
    uint64_t ack_id = 0;
    std::string text;
    base::MonotonicTime at;
  };

  // Replies.
  void OnSendReply(const core::SendMessage& send, const core::Reply& reply);
  void OnSendRefused(const core::SendMessage& send, Send* message,
                     const absl::Status& status);
  void OnAccepted(const core::MessageAccepted& accepted, Send* message,
                  const core::Reply& reply);
  void OnCancelReply(const std::string& client_id, const core::Reply& reply);
  void OnRetryReply(const std::string& client_id, uint64_t order,
                    const core::Reply& reply);
  void OnRoomReply(const model::RoomId& room, bool joined, uint64_t order,
                   const core::Reply& reply);
  void OnStopReply(bool stopped, uint64_t order, const core::Reply& reply);
  void CheckStatus(const model::CoreStatus& status);

  // Frames.
  void OnSendFrame(const core::SendFrame& sent, const Frame& frame);
  void CheckWindow(const std::string& room);
  // Those of one room that the device has surely not given up.
  size_t SurelyAwaited(std::vector<InFlight>* sends) const;

  // The disk.
  void ReadFeed();
  void OnEntry(const model::OutboxEntry& entry);
  void OnEntryGone(const std::string& client_id);
  // The message has a place in its room's queue that was not seen before.
  void OnPlaced(Send* message, uint64_t seq);
  bool Fits(const std::string& room, uint64_t seq, uint64_t position) const;
  void CheckNothingLost();
  void Recount();
  void CheckStoredMessages();
  std::optional<model::OutboxEntry> Entry(const storage::StoreReader& reader,
                                          const std::string& client_id) const;

  Send* FindByText(const std::string& text);
  Send* FindById(const std::string& client_id);
  // Also those that were not accepted, or are not known to be.
  std::vector<Send*> FindWanting(const std::string& client_id);
  void Learn(Send* message, const std::string& client_id);

  const Options options_;
  const Scheduler* const scheduler_;
  const storage::StoreReader* const committed_;
  const storage::StoreReader* const synced_;
  const ServerTruth* const truth_;
  Verdict* const verdict_;
  Probes* const probes_;

  uint64_t order_ = 0;  // of commands
  uint64_t life_ = 1;   // of engines
  std::map<core::CallId, Call> calls_;
  std::map<std::string, Send> sends_;  // by text
  // Of the message that was accepted under a client id.
  std::map<std::string, std::string> text_of_;
  std::map<std::string, std::set<std::string>> texts_wanting_;  // an id
  std::map<std::string, uint64_t> last_room_wish_;  // order, by room
  uint64_t last_stop_wish_ = 0;

  core::ConnectionId connection_;  // that the device has; 0: none
  LinkId link_ = 0;
  bool ready_ = false;
  std::map<std::string, std::vector<InFlight>> in_flight_;  // by room
  std::set<std::string> told_;  // texts that came on this connection

  model::ChangeSeq feed_;
  uint64_t applied_ = 0;
  // Position (order of the command) by seq, by room.
  std::map<std::string, std::map<uint64_t, uint64_t>> places_;
  std::map<std::string, uint64_t> last_in_log_;  // seq, by room
};

}  // namespace parley::sim

#endif  // TESTS_SIM_AUDITOR_H_
