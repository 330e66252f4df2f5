#include "daemon/core/fanout/fanout.h"

#include <utility>

namespace parley::core {

namespace {

// Without what changes with each ping: nobody is woken for that.
model::CoreStatus WithoutSamples(model::CoreStatus status) {
  const model::QualityLevel level = status.connection.quality.level;
  status.connection.quality = model::QualityStatus();
  status.connection.quality.level = level;
  return status;
}

}  // namespace

void Fanout::Finish(const model::CoreStatus& status, StepContext* context) {
  const model::ChangeSeq last = context->tables().last_change();
  if (told_change_ < last) {
    told_change_ = last;
    context->Emit(FeedAdvanced{last}, Release::kAfterCommit);
  }
  model::CoreStatus worth_telling = WithoutSamples(status);
  if (!told_status_.has_value() || !(*told_status_ == worth_telling)) {
    told_status_ = std::move(worth_telling);
    // Live state promises nothing: a slow disk must not delay it.
    context->Emit(StatusChanged{status}, Release::kNow);
  }
}

}  // namespace parley::core
