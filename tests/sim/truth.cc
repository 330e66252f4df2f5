#include "tests/sim/truth.h"

namespace parley::sim {

void ServerTruth::OnAppended(const LogEntry& entry) {
  const Key key(entry.sender, entry.text);
  trace_->Line("server log ", entry.room, " ", entry.seq, " ", entry.sender,
               " ", entry.client_id, " \"", entry.text, "\"");
  ever_.insert(key);
  ids_.insert(entry.message_id);
  const int occurrence = ++present_[key];
  if (occurrence > 1) {
    probes_->Hit("server.possible_duplicate");
    if (deduplicates_) {
      verdict_->Fail("\"", entry.text, "\" is ", occurrence,
                     " times in the log of a server that de-duplicates");
    }
  }
  const auto listener = listeners_.find(entry.sender);
  if (listener != listeners_.end()) {
    listener->second->OnAppended(entry, occurrence);
  }
}

void ServerTruth::OnChanged(const LogEntry& entry) {
  probes_->Hit(entry.deleted ? "server.deleted" : "server.changed");
  trace_->Line("server changes ", entry.room, " ", entry.seq, " change ",
               entry.change, " version ", entry.version, " ",
               entry.event.dump());
  for (const auto& [user, listener] : listeners_) listener->OnChanged(entry);
}

void ServerTruth::OnRefused(const std::string& room,
                            const std::string& client_id,
                            const std::string& code) {
  probes_->Hit("server." + code);
  trace_->Line("server refuses ", room, " ", client_id, " ", code);
}

void ServerTruth::OnHistoryLost() {
  probes_->Hit("server.history_lost");
  trace_->Line("server lost its history");
  present_.clear();
  for (const auto& [user, listener] : listeners_) listener->OnHistoryLost();
}

}  // namespace parley::sim
