#ifndef DAEMON_TRANSPORT_TESTING_RECORDING_SINK_H_
#define DAEMON_TRANSPORT_TESTING_RECORDING_SINK_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/event.h"
#include "daemon/runtime/ports.h"

namespace parley::transport::testing {

// Keeps what a transport posts, in words: "opened 1", "text 1 hello",
// "binary 1 7 bytes", "closed 1 <reason>". Thread-safe.
class RecordingSink : public runtime::EventSink {
 public:
  bool TryPost(core::Event event) override;
  // Blocks while Block is in force.
  void Post(core::Event event) override;

  // The first event at or after `from` that starts with `prefix` is there, or
  // comes within a deadline. Returns it; "" after the deadline.
  std::string WaitFor(const std::string& prefix, size_t from = 0);
  // Waits until `count` events are there; false after a deadline.
  bool WaitForCount(size_t count);
  std::vector<std::string> lines() const;
  // The last TransportClosed.
  core::TransportClosed last_closed() const;

  // Makes Post block, and lets it go on.
  void Block(bool blocked);

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool blocked_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  core::TransportClosed last_closed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::transport::testing

#endif  // DAEMON_TRANSPORT_TESTING_RECORDING_SINK_H_
