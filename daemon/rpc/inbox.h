#ifndef DAEMON_RPC_INBOX_H_
#define DAEMON_RPC_INBOX_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/model/connection.h"

namespace parley::rpc {

// The way from other threads to the completion-queue thread. Everything but
// replies is conflated, and there are no more replies than calls in flight, so
// it needs no limit of its own.
//
//   OPEN (kept) --Attach--> WAKING (an alarm is on the queue) <--> QUIET
//                                      '---- Detach ----> CLOSED (dropped)
//
// Thread-safe.
class Inbox {
 public:
  struct Mail {
    std::vector<std::pair<core::CallId, absl::StatusOr<core::ReplyBody>>>
        replies;
    bool feed_advanced = false;
    std::optional<model::CoreStatus> status;
    std::optional<absl::Status> store;
    // Whether the server shall stop taking calls, and end those it has.
    bool drain = false;
    bool close = false;
  };

  void AddReply(core::CallId call, absl::StatusOr<core::ReplyBody> result);
  void AddFeedAdvanced();
  void AddStatus(const model::CoreStatus& status);
  void AddStoreStatus(const absl::Status& status);
  void AddDrain();
  void AddClose();

  // From here on, `tag` comes out of `queue` when there is mail.
  void Attach(grpc::CompletionQueue* queue, void* tag);
  // After this, nothing is put on the queue, and mail is dropped. The queue
  // may still hold one tag.
  void Detach();

  // Called when the tag came out.
  Mail Take();

 private:
  template <typename Put>
  void Add(Put put);
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::Mutex mutex_;
  Mail mail_ ABSL_GUARDED_BY(mutex_);
  bool has_mail_ ABSL_GUARDED_BY(mutex_) = false;
  bool waking_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::CompletionQueue* queue_ ABSL_GUARDED_BY(mutex_) = nullptr;
  void* tag_ ABSL_GUARDED_BY(mutex_) = nullptr;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_INBOX_H_
