#include "daemon/runtime/engine_host.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/base/check.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/storage/queries.h"

namespace parley::runtime {
namespace {

const core::TimerId kSyncTimer{core::TimerKind::kRelaxedSync, {}};

// What a client is told while the store is down.
absl::Status StoreDown(const absl::Status& cause) {
  if (absl::IsResourceExhausted(cause)) {
    return model::MakeError(absl::StatusCode::kResourceExhausted,
                            model::ErrorReason::kStoreFull,
                            "the disk is full; nothing can be accepted until "
                            "there is room again");
  }
  return model::WithRetryAfter(
      model::MakeError(
          absl::StatusCode::kUnavailable, model::ErrorReason::kStoreFailed,
          "the store failed and is being opened again; try again shortly"),
      absl::Seconds(1));
}

}  // namespace

EngineHost::EngineHost(const core::EngineOptions& options, StorePort* store,
                       core::EffectSink* sink, base::Rng rng)
    : options_(options), store_(store), sink_(sink), rng_(rng) {}

EngineHost::~EngineHost() = default;

absl::Status EngineHost::Start(base::Now now) {
  if (absl::Status status = Build(); !status.ok()) return status;
  Begin(now);
  return store_status_;
}

absl::Status EngineHost::Build() {
  executor_.reset();
  engine_.reset();
  tables_.reset();
  staged_ = std::make_unique<storage::StagedStore>(&store_->reader());
  auto tables = storage::Tables::Open(staged_.get());
  if (!tables.ok()) return tables.status();
  tables_.emplace(*std::move(tables));
  core::EngineOptions options = options_;
  options.connection.incarnation = ++incarnation_;
  auto engine = core::SyncEngine::Create(options, &*tables_, rng_.Fork());
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  executor_ = std::make_unique<core::StepExecutor>(store_, sink_);
  return absl::OkStatus();
}

void EngineHost::Handle(core::Event event, base::Now now) {
  if (const auto* fired = std::get_if<core::TimerFired>(&event);
      fired != nullptr && fired->timer == kSyncTimer) {
    sync_timer_set_ = false;
    if (executor_ != nullptr) {
      executor_->SyncRelaxed();
    } else {
      store_->Recover();
    }
    return;
  }
  if (const auto* changed = std::get_if<core::NetworkChanged>(&event)) {
    network_ = *changed;
  }
  if (engine_ != nullptr) {
    Run(std::move(event), now);
    return;
  }
  // Only calls are owed an answer; the rest belongs to an engine that is gone.
  if (const auto* command = std::get_if<core::Command>(&event)) {
    sink_->Perform(core::Reply{command->call, StoreDown(store_status_)});
  }
}

void EngineHost::Begin(base::Now now) {
  // Told when it changes only: an engine that is built anew would not know.
  if (network_.has_value()) Run(*network_, now);
  if (engine_ != nullptr) Run(core::Started{}, now);
}

void EngineHost::Run(core::Event event, base::Now now) {
  core::CallId call;
  if (const auto* command = std::get_if<core::Command>(&event)) {
    call = command->call;
  }
  auto step = engine_->Handle(std::move(event), now);
  if (!step.ok()) {
    // Nothing of the step was written, whatever the store says of its message.
    if (call != core::CallId()) {
      waiting_.push_back({call, model::ClientMessageId(), false});
    }
    GoDown(step.status(), now);
    return;
  }
  executor_->Execute(*std::move(step));
  ArmSyncTimer(now);
}

void EngineHost::ArmSyncTimer(base::Now now) {
  if (!executor_->has_relaxed() || sync_timer_set_) return;
  sync_timer_set_ = true;
  sink_->Perform(
      core::SetTimer{kSyncTimer, now.monotonic + model::kRelaxedSyncInterval});
}

void EngineHost::OnCommitDone(uint64_t commit, const absl::Status& status,
                              base::Now now) {
  // The completion of a commit of an engine that is gone.
  if (executor_ == nullptr) return;
  if (!status.ok()) {
    GoDown(status, now);
    return;
  }
  staged_->OnCommitted(executor_->OnCommitted(commit));
  ArmSyncTimer(now);
}

void EngineHost::GoDown(const absl::Status& status, base::Now now) {
  store_status_ = status;
  for (core::EffectBody& effect : executor_->Abandon()) {
    auto* reply = std::get_if<core::Reply>(&effect);
    if (reply == nullptr) continue;
    WaitingCall call;
    call.call = reply->call;
    if (reply->result.ok()) {
      const auto* accepted =
          std::get_if<core::MessageAccepted>(&*reply->result);
      if (accepted != nullptr) {
        call.client_id = accepted->client_id;
        call.repeated = accepted->repeated;
      }
    }
    waiting_.push_back(std::move(call));
  }
  for (const core::CallId call : engine_->WaitingCalls()) {
    // The call of the step that failed is among those that wait already.
    const bool waits = std::any_of(
        waiting_.begin(), waiting_.end(),
        [call](const WaitingCall& other) { return other.call == call; });
    if (!waits) {
      waiting_.push_back({call, model::ClientMessageId(), false});
    }
  }
  executor_.reset();
  engine_.reset();
  sync_timer_set_ = false;
  sink_->Perform(core::EngineRebuilt{});
  sink_->Perform(core::Log{core::Log::Severity::kWarning,
                           "the store failed and is opened again: " +
                               std::string(status.message())});
  store_->Recover();
}

void EngineHost::OnRecovered(const absl::Status& status, base::Now now) {
  if (engine_ != nullptr) return;
  absl::Status outcome = status;
  if (outcome.ok()) outcome = Build();
  if (!outcome.ok()) {
    store_status_ = outcome;
    executor_.reset();
    engine_.reset();
    AnswerWaiting();
    // Looked at again by the timer that also syncs: there is nothing to sync.
    sync_timer_set_ = true;
    sink_->Perform(
        core::SetTimer{kSyncTimer, now.monotonic + kRecoverInterval});
    return;
  }
  store_status_ = absl::OkStatus();
  AnswerWaiting();
  // What the failed commit wrote all the same, streams were not told of.
  sink_->Perform(core::FeedAdvanced{tables_->last_change()});
  sink_->Perform(
      core::Log{core::Log::Severity::kInfo, "the store is open again"});
  Begin(now);
}

void EngineHost::AnswerWaiting() {
  for (const WaitingCall& call : std::exchange(waiting_, {})) {
    absl::StatusOr<core::ReplyBody> result = StoreDown(store_status_);
    if (store_status_.ok() && !call.client_id.empty()) {
      auto sent = storage::GetSentRecord(store_->reader(), call.client_id);
      if (sent.ok() && sent->has_value()) {
        core::MessageAccepted accepted;
        accepted.client_id = call.client_id;
        accepted.repeated = call.repeated;
        accepted.outcome = (*sent)->outcome;
        accepted.message_id = (*sent)->message_id;
        result = accepted;
      }
    }
    sink_->Perform(core::Reply{call.call, std::move(result)});
  }
}

bool EngineHost::idle() const {
  return executor_ != nullptr && !executor_->commit_in_flight() &&
         !executor_->has_relaxed();
}

}  // namespace parley::runtime
