#include "daemon/core/fanout/fanout.h"

namespace parley::core {

void Fanout::Finish(const model::CoreStatus& status, StepContext* context) {
  const model::ChangeSeq last = context->tables().last_change();
  if (told_change_ < last) {
    told_change_ = last;
    context->Emit(FeedAdvanced{last}, Release::kAfterCommit);
  }
  if (!told_status_.has_value() || !(*told_status_ == status)) {
    told_status_ = status;
    // Live state promises nothing: a slow disk must not delay it.
    context->Emit(StatusChanged{status}, Release::kNow);
  }
}

}  // namespace parley::core
