#ifndef DAEMON_WIRE_HISTORY_H_
#define DAEMON_WIRE_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/model/ids.h"
#include "daemon/wire/dialect.h"
#include "nlohmann/json.hpp"

// A room's history, page by page. Only servers that advertise a history have
// one; they all speak of it in the same way.
namespace parley::wire {

struct HistoryPage {
  // In their present form, by their last change.
  std::vector<MessageReceived> messages;
  std::string cursor;  // stands after the page
  bool has_more = false;
  // The room's last change, or the last of the page where that is not said.
  uint64_t last_change = 0;
  std::string epoch;
  // Messages that make no sense, and why the first one does not.
  uint32_t malformed = 0;
  std::string problem;
};

// `cursor`: from where to read on; empty: from the first message.
Request EncodeHistoryRequest(const model::RoomId& room,
                             const std::string& cursor, uint32_t limit);

// False if the page makes no sense, with the reason in `*problem`: nothing of
// it may be used, or what it skipped would be lost. A single message that makes
// no sense is counted and passed over; it would stay so for ever.
bool DecodeHistoryPage(const model::RoomId& room, const nlohmann::json& data,
                       HistoryPage* page, std::string* problem);

// The cursor belongs to a history that the server has no more.
bool IsEpochChanged(const RequestError& error);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_HISTORY_H_
