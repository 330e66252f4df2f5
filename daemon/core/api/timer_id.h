#ifndef DAEMON_CORE_API_TIMER_ID_H_
#define DAEMON_CORE_API_TIMER_ID_H_

#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/model/ids.h"

namespace parley::core {

// Every delay of the core has a name. Setting a timer that is set moves it.
enum class TimerKind {
  kConnectRetry = 1,  // the wait between two attempts is over
  kConnectTimeout,    // the server did not become ready in time
  kPingTimeout,       // the server's heartbeat stopped
  kStable,            // the connection held long enough to reset the backoff
  kProbeTimeout,      // a connection in doubt did not answer
  kQualitySample,     // the next round trip is measured
  kTokenRefresh,      // the token expires soon
  kJoinTimeout,       // a room: the server did not answer a join or leave
  kJoinRetry,         // a room: a refused join is tried again
  kSendTimeout,       // a room: the oldest send on its way is not answered
  kSendRetry,         // a room: the backoff of its head is over
  kSyncTimeout,       // a room: a page of its history did not come
  kSyncRetry,         // a room: its history is asked for again
  kSyncDeadline,      // the catch-up did not end in time
  kExpiry,            // the next outbox entry to expire
  kErase,             // the next part of what a sign-out discards
  kPruneSent,         // sent client message ids past their retention
  kRelaxedSync,       // relaxed writes are due on the disk
};

absl::string_view TimerKindName(TimerKind kind);

struct TimerId {
  TimerKind kind;
  model::RoomId room;  // empty where the kind has none

  friend bool operator==(const TimerId& a, const TimerId& b) {
    return a.kind == b.kind && a.room == b.room;
  }
  friend bool operator<(const TimerId& a, const TimerId& b) {
    return std::tie(a.kind, a.room) < std::tie(b.kind, b.room);
  }
};

inline absl::string_view TimerKindName(TimerKind kind) {
  switch (kind) {
    case TimerKind::kConnectRetry:
      return "connect_retry";
    case TimerKind::kConnectTimeout:
      return "connect_timeout";
    case TimerKind::kPingTimeout:
      return "ping_timeout";
    case TimerKind::kStable:
      return "stable";
    case TimerKind::kProbeTimeout:
      return "probe_timeout";
    case TimerKind::kQualitySample:
      return "quality_sample";
    case TimerKind::kTokenRefresh:
      return "token_refresh";
    case TimerKind::kJoinTimeout:
      return "join_timeout";
    case TimerKind::kJoinRetry:
      return "join_retry";
    case TimerKind::kSendTimeout:
      return "send_timeout";
    case TimerKind::kSendRetry:
      return "send_retry";
    case TimerKind::kSyncTimeout:
      return "sync_timeout";
    case TimerKind::kSyncRetry:
      return "sync_retry";
    case TimerKind::kSyncDeadline:
      return "sync_deadline";
    case TimerKind::kExpiry:
      return "expiry";
    case TimerKind::kErase:
      return "erase";
    case TimerKind::kPruneSent:
      return "prune_sent";
    case TimerKind::kRelaxedSync:
      return "relaxed_sync";
  }
  return "unknown";
}

// For traces and spec scripts: "send_timeout(general)".
inline std::string DescribeTimer(const TimerId& id) {
  if (id.room.empty()) return std::string(TimerKindName(id.kind));
  return absl::StrCat(TimerKindName(id.kind), "(", id.room.value(), ")");
}

}  // namespace parley::core

#endif  // DAEMON_CORE_API_TIMER_ID_H_
