#include "tests/spec/spec_device.h"

#include <utility>
#include <variant>

#include "daemon/base/check.h"
#include "daemon/storage/open.h"

namespace parley::spec {

SpecDevice::SpecDevice(const core::EngineOptions& options, SpecDisk* disk,
                       sim::Scheduler* clock, sim::Auditor* auditor,
                       uint64_t seed)
    : options_(options),
      disk_(disk),
      clock_(clock),
      auditor_(auditor),
      rng_(seed) {}

void SpecDevice::Start() {
  PARLEY_CHECK(host_ == nullptr);
  PARLEY_CHECK(storage::PrepareStore(disk_->store(), "spec-store").ok());
  if (auditor_ != nullptr) {
    auditor_->OnStoreReopened();
    auditor_->OnNewEngine();
  }
  host_ =
      std::make_unique<runtime::EngineHost>(options_, this, this, rng_.Fork());
  PARLEY_CHECK(host_->Start(clock_->Read()).ok());
  Settle();
}

void SpecDevice::Stop(bool power_cut) {
  host_.reset();
  commit_.reset();
  recovering_ = false;
  crashed_ = false;
  timers_.clear();
  if (auditor_ != nullptr) {
    auditor_->OnConnectionOver(connection_);
    auditor_->OnCallsLost();
  }
  connection_ = dead_connection_ = core::ConnectionId();
  fetch_ = dead_fetch_ = core::FetchId();
  if (power_cut) {
    disk_->CutPower();
  } else {
    disk_->Kill();
  }
}

void SpecDevice::Handle(core::Event event) {
  if (crashed_) return;
  if (auditor_ != nullptr) {
    if (const auto* text = std::get_if<core::TextReceived>(&event)) {
      auditor_->OnText(*text);
    }
    if (const auto* closed = std::get_if<core::TransportClosed>(&event)) {
      auditor_->OnConnectionOver(closed->connection);
    }
  }
  host_->Handle(std::move(event), clock_->Read());
  Settle();
}

void SpecDevice::Call(core::Command command) {
  if (crashed_) return;
  if (auditor_ != nullptr) auditor_->OnCommand(command);
  Handle(std::move(command));
}

void SpecDevice::Settle() {
  while (!manual_commits_ && !crashed_ && CommitNext()) {
  }
}

// --- The disk ----------------------------------------------------------------

void SpecDevice::Submit(core::CommitRequest request) {
  PARLEY_CHECK(!commit_.has_value());
  if (!crashed_) commit_ = std::move(request);
}

void SpecDevice::Apply(const core::CommitRequest& request) {
  storage::Store* const store = disk_->store();
  const absl::Status status =
      request.sync_only ? store->Sync() : store->Commit(request.transactions);
  PARLEY_CHECK(status.ok());
  if (auditor_ != nullptr) auditor_->OnApplied();
  ++commits_;
  if (crash_.after == CrashPoint::After::kCommit && crash_.number == commits_) {
    crashed_ = true;
  }
}

bool SpecDevice::CommitNext() {
  if (!commit_.has_value() || crashed_) return false;
  const core::CommitRequest request = *std::exchange(commit_, std::nullopt);
  Apply(request);
  if (crashed_) return true;
  host_->OnCommitDone(request.commit, absl::OkStatus(), clock_->Read());
  return true;
}

bool SpecDevice::FailNext(const absl::Status& status, bool applied) {
  if (!commit_.has_value() || crashed_) return false;
  const core::CommitRequest request = *std::exchange(commit_, std::nullopt);
  if (applied) Apply(request);
  if (crashed_) return true;
  host_->OnCommitDone(request.commit, status, clock_->Read());
  return true;
}

bool SpecDevice::Recovered(const absl::Status& status) {
  if (!recovering_ || crashed_) return false;
  recovering_ = false;
  if (status.ok()) {
    PARLEY_CHECK(disk_->store()->Recover().ok());
    // As whoever recovers a store in production has to.
    PARLEY_CHECK(storage::StartEpoch(disk_->store()).ok());
    if (auditor_ != nullptr) {
      auditor_->OnStoreReopened();
      auditor_->OnNewEngine();
    }
  }
  host_->OnRecovered(status, clock_->Read());
  Settle();
  return true;
}

// --- Timers and effects ------------------------------------------------------

std::optional<base::MonotonicTime> SpecDevice::TimerAt(
    const core::TimerId& timer) const {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return std::nullopt;
  return found->second;
}

void SpecDevice::Fire(const core::TimerId& timer) {
  timers_.erase(timer);
  Handle(core::TimerFired{timer});
}

void SpecDevice::Note(const core::EffectBody& effect) {
  if (const auto* open = std::get_if<core::OpenConnection>(&effect)) {
    dead_connection_ = std::exchange(connection_, open->connection);
    if (auditor_ != nullptr) auditor_->OnOpen(connection_, ++link_);
  } else if (const auto* close = std::get_if<core::CloseConnection>(&effect)) {
    if (auditor_ != nullptr) auditor_->OnConnectionOver(close->connection);
  } else if (const auto* fetch = std::get_if<core::FetchCredentials>(&effect)) {
    dead_fetch_ = std::exchange(fetch_, fetch->fetch);
  } else if (const auto* set = std::get_if<core::SetTimer>(&effect)) {
    timers_[set->timer] = set->at;
  } else if (const auto* cancel = std::get_if<core::CancelTimer>(&effect)) {
    timers_.erase(cancel->timer);
  } else if (std::holds_alternative<core::EngineRebuilt>(effect)) {
    timers_.clear();
    if (auditor_ != nullptr) auditor_->OnConnectionOver(connection_);
  } else if (auditor_ != nullptr) {
    if (const auto* frame = std::get_if<core::SendFrame>(&effect)) {
      auditor_->OnFrame(*frame);
    } else if (const auto* reply = std::get_if<core::Reply>(&effect)) {
      auditor_->OnReply(*reply);
    }
  }
}

void SpecDevice::Perform(core::EffectBody effect) {
  if (crashed_) return;
  Note(effect);
  if (listener_) listener_(effect);
  ++effects_;
  if (crash_.after == CrashPoint::After::kEffect && crash_.number == effects_) {
    crashed_ = true;
  }
}

}  // namespace parley::spec
