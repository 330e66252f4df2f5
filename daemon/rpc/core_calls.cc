#include "daemon/rpc/core_calls.h"

#include <utility>

#include "absl/time/time.h"
#include "daemon/model/errors.h"

namespace parley::rpc {
namespace {

// The core empties a full mailbox in milliseconds, unless it is stuck.
constexpr absl::Duration kBusyRetryDelay = absl::Milliseconds(200);

absl::Status BusyError() {
  return model::WithRetryAfter(
      model::MakeError(absl::StatusCode::kResourceExhausted,
                       model::ErrorReason::kTooManyRequests,
                       "the daemon has more calls than it can take; call again "
                       "in a moment"),
      kBusyRetryDelay);
}

}  // namespace

void CoreCalls::Post(core::CommandBody command, OnReply on_reply) {
  if (!refused_.ok()) {
    on_reply(refused_);
    return;
  }
  last_call_ = last_call_.Next();
  if (waiting_.size() >= max_calls_ ||
      !core_->TryPost(core::Command{last_call_, std::move(command)})) {
    on_reply(BusyError());
    return;
  }
  waiting_.emplace(last_call_, std::move(on_reply));
}

void CoreCalls::Deliver(core::CallId call,
                        absl::StatusOr<core::ReplyBody> result) {
  const auto it = waiting_.find(call);
  if (it == waiting_.end()) return;
  const OnReply on_reply = std::move(it->second);
  waiting_.erase(it);
  on_reply(std::move(result));
}

void CoreCalls::Close(const absl::Status& status) {
  refused_ = status;
  for (const auto& [call, on_reply] : std::exchange(waiting_, {})) {
    on_reply(status);
  }
}

}  // namespace parley::rpc
