#include "daemon/core/erasure/erasure.h"

#include "absl/time/time.h"

namespace parley::core {

void Erasure::Begin(CallId call, const SignOut& sign_out,
                    StepContext* context) {
  calls_.push_back(call);
  discard_outbox_ = discard_outbox_ || sign_out.discard_outbox;
  wipe_cache_ = wipe_cache_ || sign_out.wipe_cache;
  part_ = Part::kOutbox;
  done_ = false;
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

std::optional<Erasure::Part> Erasure::next() const {
  if (done_) return std::nullopt;
  if (part_ == Part::kOutbox && !discard_outbox_) {
    return wipe_cache_ ? std::optional<Part>(Part::kMessages) : std::nullopt;
  }
  return part_;
}

void Erasure::OnErased(size_t count, StepContext* context) {
  const std::optional<Part> part = next();
  if (part == Part::kOutbox) discarded_ += count;
  if (part.has_value() && count < kMaxAStep) {
    done_ = part == Part::kRooms || !wipe_cache_;
    part_ = part == Part::kOutbox ? Part::kMessages : Part::kRooms;
  } else if (part.has_value()) {
    part_ = *part;
  }
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

void Erasure::Finish(StepContext* context) {
  for (const CallId call : calls_) {
    context->ReplyTo(call, SignOutReply{discarded_});
  }
  *this = Erasure();
}

}  // namespace parley::core
