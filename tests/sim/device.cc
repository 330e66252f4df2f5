#include "tests/sim/device.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/base/secret.h"
#include "daemon/storage/open.h"
#include "tests/sim/describe.h"
#include "tests/sim/token.h"

namespace parley::sim {
namespace {

// Soon enough to be renewed several times in a run.
constexpr int64_t kShortTokenLife = 75;  // seconds

}  // namespace

Device::Device(const Options& options, const World& world, base::Rng rng)
    : options_(options), world_(world), rng_(rng) {}

Device::~Device() = default;

bool Device::OneIn1000(int per_mille) {
  return per_mille > 0 && rng_.Below(1000) < static_cast<uint64_t>(per_mille);
}

void Device::SetFaults(const DeviceFaults& faults,
                       const StoreFaults& store_faults) {
  faults_ = faults;
  store_faults_ = store_faults;
  if (store_ != nullptr) store_->SetFaults(store_faults);
}

// --- Life and death ----------------------------------------------------------

void Device::Start() {
  if (host_ != nullptr) return;
  ++process_;
  world_.trace->Line(options_.user, " starts");
  const absl::Status prepared =
      storage::PrepareStore(&disk_, absl::StrCat("store-of-", options_.user));
  if (!prepared.ok()) {
    world_.verdict->Fail("the store is not ready: ", prepared.ToString());
    return;
  }
  auditor_->OnStoreReopened();
  auditor_->OnNewEngine();
  store_ =
      std::make_unique<SimStore>(store_faults_, world_.scheduler, &disk_, this,
                                 world_.trace, world_.probes, rng_.Fork());
  host_ = std::make_unique<runtime::EngineHost>(options_.engine, store_.get(),
                                                this, rng_.Fork());
  const absl::Status started = host_->Start(world_.scheduler->Read());
  if (!started.ok() && !dying_) {
    world_.verdict->Fail("the engine does not start: ", started.ToString());
  }
  clients_->OnUp();
  AfterAct();
}

void Device::Crash() {
  if (host_ == nullptr) return;
  dying_ = true;
  AfterAct();
}

void Device::AfterAct() {
  if (dying_) Die();
}

void Device::Die() {
  store_->Crash();
  host_.reset();
  store_.reset();
  dying_ = false;
  reopening_ = false;
  kept_token_ = base::Secret();
  for (const auto& [timer, handle] : timers_) world_.scheduler->Cancel(handle);
  timers_.clear();
  auditor_->OnConnectionOver(connection_);
  CloseLink();
  const bool power_cut = OneIn1000(faults_.power_cut);
  world_.probes->Hit(power_cut ? "device.power_cut" : "device.kill");
  world_.trace->Line(options_.user, power_cut ? " loses power" : " is killed");
  if (power_cut && disk_.CutPower()) {
    world_.probes->Hit("device.relaxed_tail_lost");
  }
  auditor_->OnCallsLost();
  clients_->OnDown();
  world_.scheduler->After(rng_.DurationUpTo(faults_.down_time),
                          [this] { Start(); });
}

bool Device::CrashesBeforeCommit() {
  if (!dying_ && OneIn1000(faults_.crash_before_commit)) {
    world_.probes->Hit("device.crash_before_commit");
    dying_ = true;
  }
  return dying_;
}

bool Device::CrashesAfterCommit() {
  if (!dying_ && OneIn1000(faults_.crash_after_commit)) {
    world_.probes->Hit("device.crash_after_commit");
    // Called by the scheduler, not by the engine.
    Crash();
    return true;
  }
  return false;
}

// --- Events ------------------------------------------------------------------

void Device::Handle(core::Event event) {
  if (!up()) return;
  world_.trace->Line(options_.user, " <- ", Describe(event));
  host_->Handle(std::move(event), world_.scheduler->Read());
  AfterAct();
}

void Device::Call(core::Command command) {
  if (!up()) return;
  auditor_->OnCommand(command);
  Handle(std::move(command));
}

void Device::OnLinkEvent(core::Event event) {
  if (const auto* text = std::get_if<core::TextReceived>(&event)) {
    auditor_->OnText(*text);
  }
  if (const auto* closed = std::get_if<core::TransportClosed>(&event)) {
    auditor_->OnConnectionOver(closed->connection);
    link_ = 0;
    connection_ = core::ConnectionId();
  }
  Handle(std::move(event));
}

void Device::OnApplied() {
  if (reopening_) {
    reopening_ = false;
    auditor_->OnStoreReopened();
    auditor_->OnNewEngine();
  } else {
    auditor_->OnApplied();
  }
}

void Device::OnCommitDone(uint64_t commit, const absl::Status& status) {
  if (!up()) return;
  host_->OnCommitDone(commit, status, world_.scheduler->Read());
  AfterAct();
}

void Device::OnRecovered(const absl::Status& status) {
  if (!up()) return;
  host_->OnRecovered(status, world_.scheduler->Read());
  AfterAct();
}

void Device::ChangeNetwork(bool online) {
  world_.probes->Hit(online ? "device.network" : "device.no_network");
  Handle(core::NetworkChanged{online});
}

void Device::WakeUp() {
  world_.probes->Hit("device.resumed");
  Handle(core::SystemResumed{});
}

// --- Effects -----------------------------------------------------------------

void Device::Perform(core::EffectBody effect) {
  if (dying_) return;
  world_.trace->Line(options_.user, " -> ",
                     Describe(effect, world_.scheduler->now()));
  std::visit([this](auto& body) { Do(body); }, effect);
  if (OneIn1000(faults_.crash_after_effect)) {
    world_.probes->Hit("device.crash_after_effect");
    dying_ = true;
  }
}

void Device::Do(core::Reply& reply) {
  auditor_->OnReply(reply);
  clients_->OnReply(reply);
}

void Device::Do(core::OpenConnection& open) {
  connection_ = open.connection;
  link_ = world_.network->Open(this, open.connection);
  auditor_->OnOpen(open.connection, link_);
}

void Device::Do(core::SendFrame& frame) {
  auditor_->OnFrame(frame);
  if (frame.connection == connection_) {
    world_.network->Send(link_, std::move(frame.text));
  }
}

void Device::Do(core::CloseConnection& close) {
  auditor_->OnConnectionOver(close.connection);
  if (close.connection == connection_) CloseLink();
}

void Device::CloseLink() {
  if (link_ != 0) world_.network->CloseByDevice(link_);
  link_ = 0;
  connection_ = core::ConnectionId();
}

void Device::Do(core::KeepCredentials& keep) {
  kept_token_ = std::move(keep.token);
}

void Device::Do(core::FetchCredentials& fetch) {
  core::CredentialsFetched fetched;
  fetched.fetch = fetch.fetch;
  if (!kept_token_.empty()) {
    fetched.token = kept_token_;
  } else if (OneIn1000(faults_.no_token)) {
    world_.probes->Hit("device.no_token");
    fetched.token = absl::NotFoundError("the token file is missing");
  } else {
    const bool bad = OneIn1000(faults_.bad_token);
    if (bad) world_.probes->Hit("device.bad_token");
    nlohmann::json claims = {{"userId", options_.user},
                             {"exp", bad ? 1 : kTokenExpiry}};
    if (!bad && OneIn1000(faults_.short_token)) {
      world_.probes->Hit("device.short_token");
      claims["exp"] =
          absl::ToUnixSeconds(world_.scheduler->Read().wall) + kShortTokenLife;
    }
    // Each fetch gives another token, as a refreshed one would be.
    claims["jti"] = fetch.fetch.value();
    fetched.token = base::Secret(SignToken(claims));
  }
  world_.scheduler->After(
      rng_.DurationUpTo(absl::Milliseconds(5)),
      [this, process = process_, fetched = std::move(fetched)] {
        if (process == process_) Handle(fetched);
      });
}

void Device::Do(core::SetTimer& set) {
  const auto existing = timers_.find(set.timer);
  if (existing != timers_.end()) world_.scheduler->Cancel(existing->second);
  timers_[set.timer] = world_.scheduler->At(set.at, [this, timer = set.timer] {
    timers_.erase(timer);
    Handle(core::TimerFired{timer});
  });
}

void Device::Do(core::CancelTimer& cancel) {
  const auto existing = timers_.find(cancel.timer);
  if (existing == timers_.end()) return;
  world_.scheduler->Cancel(existing->second);
  timers_.erase(existing);
}

void Device::Do(core::FeedAdvanced&) { clients_->OnFeedAdvanced(); }

void Device::Do(core::StatusChanged&) {}

void Device::Do(core::EngineRebuilt&) {
  world_.probes->Hit("device.rebuilt");
  for (const auto& [timer, handle] : timers_) world_.scheduler->Cancel(handle);
  timers_.clear();
  auditor_->OnConnectionOver(connection_);
  CloseLink();
  reopening_ = true;
}

void Device::Do(core::Log&) {}

}  // namespace parley::sim
