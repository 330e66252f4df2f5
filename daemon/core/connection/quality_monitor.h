#ifndef DAEMON_CORE_CONNECTION_QUALITY_MONITOR_H_
#define DAEMON_CORE_CONNECTION_QUALITY_MONITOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/model/connection.h"

namespace parley::core {

// How good a connection is, from the round trips of its last pings. One object
// a connection.
//
// A server may answer a ping with an ack, with a `pong` event, with both, or
// not at all. Whichever comes first counts. Of a server that has answered none
// of the first pings it is known that it never will: it is asked no more, and
// judged by how late its own heartbeats come, which is less than the truth but
// is something.
//
// Single-threaded, deterministic.
class QualityMonitor {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(10);
  static constexpr size_t kWindow = 5;
  // Unanswered pings from the start on that show a server without an answer.
  static constexpr size_t kPatience = 3;

  // A ping leaves. One that is still unanswered counts as lost.
  void OnPing(uint64_t ping, base::MonotonicTime now);
  // An answer came: to a ping, or to another request, which changes nothing.
  void OnAck(uint64_t ping, base::MonotonicTime now);
  // An answer without a name: to the oldest that waits.
  void OnPong(base::MonotonicTime now);
  // The server's own heartbeat, that it promised for every `interval`.
  void OnHeartbeat(base::MonotonicTime now, absl::Duration interval);

  // Pings make sense: the server answers, or it is not known yet.
  bool may_answer() const { return !mute_; }
  // It has answered one.
  bool answers() const { return answered_; }
  model::QualityStatus status() const;

 private:
  struct Waiting {
    uint64_t ping;
    base::MonotonicTime sent_at;
    bool lost = false;  // counted already
  };
  struct Sample {
    absl::Duration latency;
    bool lost = false;
  };

  void Add(Sample sample);

  std::deque<Waiting> waiting_;
  std::deque<Sample> samples_;
  bool answered_ = false;
  bool mute_ = false;
  std::optional<base::MonotonicTime> heartbeat_at_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_CONNECTION_QUALITY_MONITOR_H_
