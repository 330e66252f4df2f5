#include "daemon/core/erasure/erasure.h"

#include "absl/time/time.h"

namespace parley::core {

void Erasure::Begin(CallId call, const SignOut& sign_out,
                    StepContext* context) {
  calls_.push_back(call);
  discard_outbox_ = discard_outbox_ || sign_out.discard_outbox;
  wipe_cache_ = wipe_cache_ || sign_out.wipe_cache;
  left_.clear();
  if (discard_outbox_) left_.push_back(Part::kOutbox);
  if (wipe_cache_) {
    left_.push_back(Part::kMessages);
    left_.push_back(Part::kRooms);
  }
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

std::optional<Erasure::Part> Erasure::next() const {
  return left_.empty() ? std::nullopt : std::optional<Part>(left_.front());
}

void Erasure::OnErased(size_t count, StepContext* context) {
  if (left_.front() == Part::kOutbox) discarded_ += count;
  if (count < kMaxAStep) left_.pop_front();
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

void Erasure::Finish(StepContext* context) {
  for (const CallId call : calls_) {
    context->ReplyTo(call, SignOutReply{discarded_});
  }
  *this = Erasure();
}

}  // namespace parley::core
