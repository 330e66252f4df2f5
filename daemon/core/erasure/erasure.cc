#include "daemon/core/erasure/erasure.h"

#include "absl/time/time.h"

namespace parley::core {

absl::Status Erasure::Load(const storage::Tables& tables) {
  auto scope = tables.PendingErasure();
  if (!scope.ok()) return scope.status();
  scope_ = *scope;
  ListParts();
  return absl::OkStatus();
}

void Erasure::OnStarted(StepContext* context) {
  if (!running()) return;
  context->LogLine(Log::Severity::kInfo, "going on with a sign-out");
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

void Erasure::Begin(CallId call, const SignOut& sign_out,
                    StepContext* context) {
  calls_.push_back(call);
  scope_.outbox = scope_.outbox || sign_out.discard_outbox;
  scope_.cache = scope_.cache || sign_out.wipe_cache;
  ListParts();
  context->tables().PutPendingErasure(scope_);
  context->tables().staged()->RequireSync();
  context->SetTimerIn({TimerKind::kErase, {}}, absl::ZeroDuration());
}

void Erasure::ListParts() {
  left_.clear();
  if (scope_.outbox) left_.push_back(Part::kOutbox);
  if (scope_.cache) {
    left_.push_back(Part::kMessages);
    left_.push_back(Part::kRooms);
  }
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
  context->tables().PutPendingErasure({});
  for (const CallId call : calls_) {
    context->ReplyTo(call, SignOutReply{discarded_});
  }
  *this = Erasure();
}

}  // namespace parley::core
