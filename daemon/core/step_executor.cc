#include "daemon/core/step_executor.h"

#include <utility>

#include "daemon/base/check.h"

namespace parley::core {

void StepExecutor::Execute(Step step) {
  if (!step.transaction.empty()) {
    pending_.push_back(std::move(step.transaction));
    pending_last_ = step.transaction_number;
  }
  const bool all_committed = step.transaction_number <= committed_;
  for (Effect& effect : step.effects) {
    if (effect.release == Release::kNow || all_committed) {
      sink_->Perform(std::move(effect.body));
    } else {
      held_.push_back({step.transaction_number, std::move(effect.body)});
    }
  }
  SubmitNext();
}

uint64_t StepExecutor::OnCommitted(uint64_t commit) {
  PARLEY_CHECK(commit == in_flight_);
  in_flight_ = 0;
  in_flight_count_ = 0;
  committed_ = in_flight_last_;
  if (in_flight_syncs_) relaxed_unsynced_ = false;
  ReleaseUpTo(committed_);
  SubmitNext();
  return committed_;
}

void StepExecutor::SyncRelaxed() {
  if (!relaxed_unsynced_) return;
  sync_wanted_ = true;
  SubmitNext();
}

std::vector<EffectBody> StepExecutor::Abandon() {
  std::vector<EffectBody> effects;
  for (Held& held : held_) effects.push_back(std::move(held.effect));
  held_.clear();
  pending_.clear();
  return effects;
}

void StepExecutor::SubmitNext() {
  if (in_flight_ != 0) return;
  if (pending_.empty() && !sync_wanted_) return;
  CommitRequest request;
  request.commit = ++last_commit_;
  request.sync_only = pending_.empty();
  bool syncs = sync_wanted_ && request.sync_only;
  for (storage::Transaction& transaction : pending_) {
    if (transaction.durability == storage::Durability::kSync) syncs = true;
    request.transactions.push_back(std::move(transaction));
  }
  // A sync covers all that was written before it.
  if (!request.sync_only) {
    if (sync_wanted_) {
      request.transactions.back().durability = storage::Durability::kSync;
      syncs = true;
    }
    in_flight_last_ = pending_last_;
  }
  sync_wanted_ = false;
  if (!syncs) relaxed_unsynced_ = true;
  in_flight_ = request.commit;
  in_flight_count_ = request.transactions.size();
  in_flight_syncs_ = syncs;
  pending_.clear();
  commits_->Submit(std::move(request));
}

void StepExecutor::ReleaseUpTo(uint64_t transaction) {
  while (!held_.empty() && held_.front().after_transaction <= transaction) {
    EffectBody effect = std::move(held_.front().effect);
    held_.pop_front();
    sink_->Perform(std::move(effect));
  }
}

}  // namespace parley::core
