#include "daemon/model/connection.h"

#include <tuple>

namespace parley::model {

absl::string_view ConnectionStateName(ConnectionState state) {
  switch (state) {
    case ConnectionState::kOffline:
      return "OFFLINE";
    case ConnectionState::kConnecting:
      return "CONNECTING";
    case ConnectionState::kAuthenticating:
      return "AUTHENTICATING";
    case ConnectionState::kCatchingUp:
      return "CATCHING_UP";
    case ConnectionState::kReady:
      return "READY";
    case ConnectionState::kWaiting:
      return "WAITING";
    case ConnectionState::kCredentialsRequired:
      return "CREDENTIALS_REQUIRED";
    case ConnectionState::kStopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

absl::string_view ReachabilityName(Reachability reachability) {
  switch (reachability) {
    case Reachability::kUnknown:
      return "UNKNOWN";
    case Reachability::kReachable:
      return "REACHABLE";
    case Reachability::kUnreachable:
      return "UNREACHABLE";
  }
  return "UNKNOWN";
}

absl::string_view QualityLevelName(QualityLevel level) {
  switch (level) {
    case QualityLevel::kUnknown:
      return "UNKNOWN";
    case QualityLevel::kExcellent:
      return "EXCELLENT";
    case QualityLevel::kGood:
      return "GOOD";
    case QualityLevel::kFair:
      return "FAIR";
    case QualityLevel::kPoor:
      return "POOR";
  }
  return "UNKNOWN";
}

bool operator==(const QualityStatus& a, const QualityStatus& b) {
  return std::tie(a.level, a.average_latency, a.samples, a.lost) ==
         std::tie(b.level, b.average_latency, b.samples, b.lost);
}

bool operator==(const ServerCapabilities& a, const ServerCapabilities& b) {
  const auto fields = [](const ServerCapabilities& c) {
    return std::tie(c.dialect, c.protocol_version, c.history_epoch,
                    c.history_era, c.message_ids, c.deduplicates, c.history,
                    c.durable_membership, c.changes, c.ordered_window,
                    c.ordered_sends, c.max_payload_bytes, c.max_text_bytes,
                    c.advertised, c.learned_at);
  };
  return fields(a) == fields(b);
}

bool operator==(const ConnectionStatus& a, const ConnectionStatus& b) {
  const auto fields = [](const ConnectionStatus& c) {
    return std::tie(c.state, c.since, c.cause, c.attempt, c.next_retry_at,
                    c.last_error_code, c.last_error_message, c.last_error_at,
                    c.server_url, c.user, c.device_online, c.server, c.quality,
                    c.token_expires_at);
  };
  return fields(a) == fields(b);
}

bool operator==(const OutboxStatus& a, const OutboxStatus& b) {
  const auto fields = [](const OutboxStatus& o) {
    return std::tie(o.queued, o.failed, o.bytes, o.max_entries, o.max_bytes,
                    o.oldest_queued_at);
  };
  return fields(a) == fields(b);
}

bool operator==(const RoomsStatus& a, const RoomsStatus& b) {
  return std::tie(a.rooms, a.joined, a.failed) ==
         std::tie(b.rooms, b.joined, b.failed);
}

bool operator==(const CoreStatus& a, const CoreStatus& b) {
  return a.connection == b.connection && a.capabilities == b.capabilities &&
         a.outbox == b.outbox && a.rooms == b.rooms && a.sync == b.sync;
}

}  // namespace parley::model
