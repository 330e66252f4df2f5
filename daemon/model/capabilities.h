#ifndef DAEMON_MODEL_CAPABILITIES_H_
#define DAEMON_MODEL_CAPABILITIES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/base/time.h"
#include "daemon/model/limits.h"

namespace parley::model {

enum class Dialect { kUnknown = 0, kFull = 1, kPlugin = 2 };

// What the server can do. Behaviour keys on these, never on a version.
// Remembered over restarts, for use while offline; a server never met has
// Dialect::kUnknown and is trusted with nothing.
struct ServerCapabilities {
  Dialect dialect = Dialect::kUnknown;
  std::string protocol_version;
  // Counts the history epochs that this device has met. Positions in rooms
  // are compared within one of them only.
  uint32_t history_era = 0;
  std::string history_epoch;  // empty: the server keeps no history
  bool message_ids = false;   // send acks name the message
  bool deduplicates = false;  // by (sender, client message id)
  bool history = false;       // with a gap-free cursor in an epoch
  bool durable_membership = false;
  // Edits, deletions and reactions, and a history that goes by them.
  bool changes = false;
  // Unanswered sends allowed in one room, with ordered sends; 1 without.
  uint32_t ordered_window = 1;
  bool ordered_sends = false;
  uint64_t max_payload_bytes = kDefaultServerMaxPayloadBytes;  // of a frame
  uint64_t max_text_bytes = 0;          // of a message's text; 0: not said
  std::vector<std::string> advertised;  // verbatim, sorted
  base::WallTime learned_at;
};

bool operator==(const ServerCapabilities& a, const ServerCapabilities& b);

}  // namespace parley::model

#endif  // DAEMON_MODEL_CAPABILITIES_H_
