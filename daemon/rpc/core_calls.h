#ifndef DAEMON_RPC_CORE_CALLS_H_
#define DAEMON_RPC_CORE_CALLS_H_

#include <cstddef>
#include <functional>
#include <map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/runtime/ports.h"

namespace parley::rpc {

// Commands to the core, and who waits for their replies. The core answers every
// command once. Lives on the completion-queue thread.
class CoreCalls {
 public:
  using OnReply = std::function<void(absl::StatusOr<core::ReplyBody>)>;

  // `core` must outlive this object. More than `max_calls` unanswered commands
  // are refused.
  CoreCalls(runtime::EventSink* core, size_t max_calls)
      : core_(core), max_calls_(max_calls) {}

  // Calls `on_reply` once: before it returns when the core takes nothing more
  // (RESOURCE_EXHAUSTED/TOO_MANY_REQUESTS), later otherwise.
  void Post(core::CommandBody command, OnReply on_reply);

  // A reply of the core. One to a call that is not waiting is ignored.
  void Deliver(core::CallId call, absl::StatusOr<core::ReplyBody> result);

  // Commands that wait for their reply.
  size_t waiting() const { return waiting_.size(); }

  // Answers all later commands with `status`.
  void Refuse(const absl::Status& status) { refused_ = status; }
  // The same, and those that wait as well.
  void Close(const absl::Status& status);

 private:
  runtime::EventSink* const core_;
  const size_t max_calls_;
  core::CallId last_call_;
  std::map<core::CallId, OnReply> waiting_;
  absl::Status refused_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_CORE_CALLS_H_
