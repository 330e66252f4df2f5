#ifndef DAEMON_MODEL_CONNECTION_H_
#define DAEMON_MODEL_CONNECTION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/ids.h"
#include "daemon/model/sync.h"

namespace parley::model {

// As clients see the connection to the server. The machine that moves between
// these is drawn in daemon/core/connection/connection.h.
enum class ConnectionState {
  kOffline = 1,         // the device has no network
  kConnecting = 2,      // TCP and the WebSocket upgrade
  kAuthenticating = 3,  // CONNECT sent, the ready event awaited
  kCatchingUp = 4,      // ready; fetching what was missed
  kReady = 5,
  kWaiting = 6,              // between two attempts
  kCredentialsRequired = 7,  // no usable token, or another account's
  kStopped = 8,              // on purpose
};

// For example "CATCHING_UP".
absl::string_view ConnectionStateName(ConnectionState state);

// Of the server, by the last attempt to reach it. Not the same as the device
// being online: a server can be down while the network is up.
enum class Reachability {
  kUnknown = 1,  // not tried since the start, or since it was lost
  kReachable = 2,
  kUnreachable = 3,
};

absl::string_view ReachabilityName(Reachability reachability);

enum class QualityLevel {
  kUnknown = 1,
  kExcellent = 2,
  kGood = 3,
  kFair = 4,
  kPoor = 5,
};

absl::string_view QualityLevelName(QualityLevel level);

// Of the connection, over its last samples.
struct QualityStatus {
  QualityLevel level = QualityLevel::kUnknown;
  std::optional<absl::Duration> average_latency;  // of the round trip
  uint32_t samples = 0;                           // in the window
  uint32_t lost = 0;                              // of them: never answered
};

// What the user wants of the connection, until they say otherwise.
enum class OnPurpose {
  kOnline = 0,
  kDisconnected = 1,  // until Connect
  kSignedOut = 2,     // until Connect, or new credentials
};

struct ConnectionStatus {
  ConnectionState state = ConnectionState::kStopped;
  base::WallTime since;  // of the last change of state
  std::string cause;     // of the last change, for a person
  uint32_t attempt = 0;  // failed attempts since it was last ready
  std::optional<base::WallTime> next_retry_at;
  std::string last_error_code;     // for example CONNECT_FAILED
  std::string last_error_message;  // for a person
  std::optional<base::WallTime> last_error_at;
  std::string server_url;
  UserId user;  // empty until it is known
  bool device_online = true;
  Reachability server = Reachability::kUnknown;
  QualityStatus quality;
  // Of the token in use, by this device's clock; absent: it does not say.
  std::optional<base::WallTime> token_expires_at;
};

struct OutboxStatus {
  uint64_t queued = 0;
  uint64_t failed = 0;
  uint64_t bytes = 0;
  uint64_t max_entries = 0;
  uint64_t max_bytes = 0;
  std::optional<base::WallTime> oldest_queued_at;
};

struct RoomsStatus {
  uint64_t rooms = 0;
  uint64_t joined = 0;
  uint64_t failed = 0;
};

// Everything live that the core can say of itself.
struct CoreStatus {
  ConnectionStatus connection;
  ServerCapabilities capabilities;
  OutboxStatus outbox;
  RoomsStatus rooms;
  SyncStatus sync;
};

bool operator==(const QualityStatus& a, const QualityStatus& b);
bool operator==(const ConnectionStatus& a, const ConnectionStatus& b);
bool operator==(const OutboxStatus& a, const OutboxStatus& b);
bool operator==(const RoomsStatus& a, const RoomsStatus& b);
bool operator==(const CoreStatus& a, const CoreStatus& b);

}  // namespace parley::model

#endif  // DAEMON_MODEL_CONNECTION_H_
