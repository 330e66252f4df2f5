#ifndef TESTS_SIM_TRUTH_H_
#define TESTS_SIM_TRUTH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/sim_server.h"
#include "tests/sim/trace.h"

namespace parley::sim {

// The first thing that was wrong in a run. Nothing after it counts.
class Verdict {
 public:
  explicit Verdict(Trace* trace) : trace_(trace) {}

  template <typename... Parts>
  void Fail(const Parts&... parts) {
    if (failure_.has_value()) return;
    failure_ = absl::StrCat(parts...);
    trace_->Line("VIOLATION ", *failure_);
  }
  bool failed() const { return failure_.has_value(); }
  std::string failure() const { return failure_.value_or(""); }

 private:
  Trace* const trace_;
  std::optional<std::string> failure_;
};

// What one device's auditor learns of the server.
class AppendListener {
 public:
  virtual ~AppendListener() = default;
  // `occurrence` counts from 1 in the server's present history.
  virtual void OnAppended(const LogEntry& entry, int occurrence) = 0;
  // An edit, a deletion or a reaction, of whoever's message; the entry is as it
  // is from now on. Called before anybody is told.
  virtual void OnChanged(const LogEntry& /*entry*/) {}
  virtual void OnHistoryLost() = 0;
};

// What the server has ever accepted, over all losses of its history. Every
// message of a simulation has a text of its own, by which it is known.
class ServerTruth : public ServerObserver {
 public:
  ServerTruth(const ServerOptions& server, Verdict* verdict, Trace* trace,
              Probes* probes)
      : deduplicates_(server.Has("dedup.client-message-id")),
        verdict_(verdict),
        trace_(trace),
        probes_(probes) {}

  void AddListener(const std::string& user, AppendListener* listener) {
    listeners_[user] = listener;
  }

  // ServerObserver.
  void OnAppended(const LogEntry& entry) override;
  void OnChanged(const LogEntry& entry) override;
  void OnRefused(const std::string& room, const std::string& client_id,
                 const std::string& code) override;
  void OnHistoryLost() override;

  bool EverHad(const std::string& user, const std::string& text) const {
    return ever_.count({user, text}) > 0;
  }
  bool EverHadId(const std::string& message_id) const {
    return ids_.count(message_id) > 0;
  }

 private:
  using Key = std::pair<std::string, std::string>;  // sender, text

  const bool deduplicates_;
  Verdict* const verdict_;
  Trace* const trace_;
  Probes* const probes_;
  std::map<std::string, AppendListener*> listeners_;
  std::set<Key> ever_;
  std::set<std::string> ids_;
  std::map<Key, int> present_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_TRUTH_H_
