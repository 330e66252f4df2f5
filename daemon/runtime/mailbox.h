#ifndef DAEMON_RUNTIME_MAILBOX_H_
#define DAEMON_RUNTIME_MAILBOX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/event.h"
#include "daemon/runtime/ports.h"

namespace parley::runtime {

// A commit of StorePort is done.
struct CommitDone {
  uint64_t commit = 0;
  absl::Status status;
};
// A recovery of StorePort is done.
struct StoreRecovered {
  absl::Status status;
};
using Mail = std::variant<core::Event, CommitDone, StoreRecovered>;

// The one way into the core thread: many post, the core thread takes. Events
// are bounded, in number and in bytes; what the core waits for is not, because
// it has asked for it, once each.
class Mailbox : public EventSink {
 public:
  struct Limits {
    // A burst from every client and the server at once.
    size_t max_events = 1024;
    // A few of the largest frames.
    size_t max_bytes = 16 * 1024 * 1024;
  };

  explicit Mailbox(const Limits& limits) : limits_(limits) {}

  // EventSink. From any thread; Post not from the core's.
  bool TryPost(core::Event event) override;
  void Post(core::Event event) override;

  // Never refused. From any thread.
  void PostCompletion(CommitDone done);
  void PostCompletion(StoreRecovered recovered);

  // No event gets in any more, and whoever waits to post returns. Completions
  // still do, and what is there already can be taken. From any thread.
  void Close();
  bool closed() const;

  // All that is there, oldest first. When there is nothing, waits for mail, for
  // Close, or for `timeout`; a finite wait may also end early. Core thread.
  std::deque<Mail> Take(absl::Duration timeout);

 private:
  bool HasRoom(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Push(Mail mail) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  mutable base::Mutex mutex_;
  base::CondVar arrived_;
  base::CondVar emptied_;
  std::deque<Mail> mail_ ABSL_GUARDED_BY(mutex_);
  size_t events_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
};

// About what an event holds in memory.
size_t EventBytes(const core::Event& event);

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_MAILBOX_H_
