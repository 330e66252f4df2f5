#include "tests/sim/simulation.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/storage/queries.h"
#include "tests/sim/auditor.h"
#include "tests/sim/device.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/swarm.h"
#include "tests/sim/truth.h"
#include "tests/sim/workload.h"

namespace parley::sim {
namespace {

// Longer than every timeout and backoff of the daemon together: a link that
// died silently is noticed (45 s), a connect times out (20 s), the longest
// waits (30 s, and 60 s for a room) pass, and some of it happens twice.
constexpr absl::Duration kConvergeWithin = absl::Minutes(8);
constexpr absl::Duration kServerDownTime = absl::Seconds(4);

// A device with all that belongs to it.
struct Participant {
  std::unique_ptr<Device> device;
  std::unique_ptr<Auditor> auditor;
  std::unique_ptr<Workload> workload;
};

class Simulation {
 public:
  explicit Simulation(const RunOptions& options);

  RunResult Run();

 private:
  void Build();
  void ApplySabotage();
  void ScheduleServerRestart();
  void ScheduleOther();
  // False: something is wrong already.
  bool RunFor(absl::Duration duration);
  void StopFaults();
  bool Converge();
  bool AtRest();
  std::string WhatIsLeft();
  void FinalChecks();

  const RunOptions options_;
  base::Rng rng_;
  Scheduler scheduler_;
  Trace trace_;
  Probes probes_;
  Verdict verdict_;
  Plan plan_;
  SimNetwork network_;
  std::unique_ptr<ServerTruth> truth_;
  std::unique_ptr<SimServer> server_;
  std::vector<Participant> participants_;
  bool faults_on_ = true;
  uint64_t other_messages_ = 0;
};

Simulation::Simulation(const RunOptions& options)
    : options_(options),
      rng_(options.seed),
      trace_(&scheduler_, options.keep),
      verdict_(&trace_),
      plan_(DrawPlan(&rng_)),
      network_(&scheduler_, &trace_, &probes_, rng_.Fork()) {}

void Simulation::ApplySabotage() {
  switch (options_.sabotage) {
    case Sabotage::kNone:
      return;
    case Sabotage::kDiskForgetsSynced:
      plan_.device.crash_after_effect = 4;
      plan_.device.power_cut = 1000;
      return;
    case Sabotage::kStoreReportsEarly:
      plan_.store.reports_early = true;
      plan_.store.latency = absl::Milliseconds(20);
      return;
    case Sabotage::kServerForgetsRepeats:
      plan_.server = ServerOptions();
      plan_.server_faults.forgets_repeats = true;
      plan_.server_faults.lost_answer = 100;
      return;
    case Sabotage::kServerIgnoresOrder:
      plan_.server = ServerOptions();
      plan_.server_faults.ignores_order = true;
      plan_.workload.burst = 20;
      plan_.network.swap = 200;
      return;
    case Sabotage::kServerSkipsHistory:
      plan_.server = ServerOptions();
      plan_.server_faults.skips_history = true;
      return;
    case Sabotage::kNetworkSendsTwice: {
      auto& capabilities = plan_.server.capabilities;
      plan_.server.plugin = false;
      capabilities = {"ack.message-id", "rooms.membership"};
      plan_.network.twice = 100;
      return;
    }
    case Sabotage::kServerNeverAnswers:
      plan_.server_faults.no_answer = 1000;
      return;
  }
}

void Simulation::Build() {
  ApplySabotage();
  truth_ =
      std::make_unique<ServerTruth>(plan_.server, &verdict_, &trace_, &probes_);
  server_ = std::make_unique<SimServer>(plan_.server, &scheduler_, &network_,
                                        truth_.get(), rng_.Fork());
  server_->SetFaults(plan_.server_faults);
  network_.SetServer(server_.get());
  network_.SetFaults(plan_.network);
  const Device::World world{&scheduler_, &network_, &trace_, &probes_,
                            &verdict_};
  for (const std::string& user : plan_.users) {
    Participant participant;
    Device::Options device;
    device.user = user;
    device.engine.connection.server_urls = {"ws://sim.invalid"};
    device.engine.outbox.max_entries = plan_.max_entries;
    device.engine.outbox.max_bytes = plan_.max_bytes;
    device.engine.outbox.max_answered_failures = plan_.max_answered_failures;
    if (plan_.hold_ambiguous) {
      device.engine.outbox.ambiguous = core::Outbox::AmbiguousPolicy::kHold;
    }
    participant.device = std::make_unique<Device>(device, world, rng_.Fork());
    Auditor::Options auditor;
    auditor.user = user;
    auditor.server = plan_.server;
    auditor.max_entries = plan_.max_entries;
    auditor.max_bytes = plan_.max_bytes;
    SimDisk& disk = participant.device->disk();
    if (options_.sabotage == Sabotage::kDiskForgetsSynced) {
      disk.BreakPromises();
    }
    participant.auditor =
        std::make_unique<Auditor>(auditor, &scheduler_, &disk, &disk.synced(),
                                  truth_.get(), &verdict_, &probes_);
    truth_->AddListener(user, participant.auditor.get());
    participant.workload = std::make_unique<Workload>(
        plan_.workload, participant.device.get(), world, rng_.Fork());
    participant.device->SetAuditor(participant.auditor.get());
    participant.device->SetClients(participant.workload.get());
    participant.device->SetFaults(plan_.device, plan_.store);
    participants_.push_back(std::move(participant));
  }
}

void Simulation::ScheduleServerRestart() {
  if (plan_.mean_server_life == absl::ZeroDuration()) return;
  scheduler_.After(rng_.DurationUpTo(plan_.mean_server_life * 2), [this] {
    if (!faults_on_) return;
    const bool lose =
        rng_.Below(1000) < static_cast<uint64_t>(plan_.history_loss);
    probes_.Hit("server.restart");
    trace_.Line("server stops");
    network_.SetServerUp(false);
    server_->Restart(lose);
    scheduler_.After(rng_.DurationUpTo(kServerDownTime),
                     [this] { network_.SetServerUp(true); });
    ScheduleServerRestart();
  });
}

void Simulation::ScheduleOther() {
  scheduler_.After(rng_.DurationUpTo(absl::Seconds(4)), [this] {
    if (!faults_on_) return;
    const auto& rooms = plan_.workload.rooms;
    server_->SayAsOther("eve", rooms[rng_.Below(rooms.size())],
                        absl::StrCat("eve says ", ++other_messages_));
    ScheduleOther();
  });
}

bool Simulation::RunFor(absl::Duration duration) {
  const base::MonotonicTime end = scheduler_.now() + duration;
  while (!verdict_.failed() && scheduler_.RunNext(end)) {
  }
  return !verdict_.failed();
}

void Simulation::StopFaults() {
  trace_.Line("no more faults");
  faults_on_ = false;
  ServerFaults server;
  if (options_.sabotage == Sabotage::kServerNeverAnswers) {
    server.no_answer = 1000;
  }
  server_->SetFaults(server);
  network_.SetFaults(NetworkFaults());
  network_.SetServerUp(true);
  StoreFaults store;
  store.reports_early = plan_.store.reports_early;
  for (Participant& participant : participants_) {
    participant.device->SetFaults(DeviceFaults(), store);
  }
}

// Each is at rest: up, connected, its calls answered, its queue empty.
bool Simulation::AtRest() {
  for (Participant& participant : participants_) {
    const Workload& workload = *participant.workload;
    if (!participant.device->up() || !participant.device->idle() ||
        !workload.answered() || !workload.status().has_value()) {
      return false;
    }
    const model::CoreStatus& status = *workload.status();
    if (status.connection.state != model::ConnectionState::kReady ||
        status.outbox.queued > 0 || status.rooms.joined != status.rooms.rooms ||
        status.sync.phase == model::SyncPhase::kRunning) {
      return false;
    }
  }
  return true;
}

std::string Simulation::WhatIsLeft() {
  std::string left;
  for (Participant& participant : participants_) {
    const auto& status = participant.workload->status();
    absl::StrAppend(&left, " ", participant.device->user(), ": ",
                    participant.device->up() ? "" : "down, ",
                    participant.workload->answered() ? "" : "calls wait, ");
    if (!status.has_value()) {
      absl::StrAppend(&left, "no status;");
      continue;
    }
    absl::StrAppend(&left, model::ConnectionStateName(status->connection.state),
                    ", ", status->outbox.queued, " queued, ",
                    status->rooms.joined, " of ", status->rooms.rooms,
                    " rooms joined;");
  }
  return left;
}

bool Simulation::Converge() {
  // Long enough for the devices that are down to come up again.
  if (!RunFor(plan_.device.down_time + absl::Seconds(1))) return false;
  for (Participant& participant : participants_) {
    participant.workload->End();
  }
  const base::MonotonicTime end = scheduler_.now() + kConvergeWithin;
  while (scheduler_.now() < end) {
    for (Participant& participant : participants_) {
      participant.workload->AskStatus();
    }
    if (!RunFor(absl::Seconds(2))) return false;
    for (Participant& participant : participants_) {
      participant.workload->StayConnected();
    }
    if (AtRest()) return true;
  }
  verdict_.Fail("no convergence within ", absl::FormatDuration(kConvergeWithin),
                " after the last fault:", WhatIsLeft());
  return false;
}

void Simulation::FinalChecks() {
  for (Participant& participant : participants_) {
    participant.workload->CheckWatchers();
    participant.auditor->AtRest();
  }
  // What is at rest survives whatever comes.
  for (Participant& participant : participants_) participant.device->Crash();
  if (!RunFor(absl::Seconds(30))) return;
  for (Participant& participant : participants_) {
    participant.workload->CheckWatchers();
    participant.auditor->AtRest();
    // Not before: a connection may have died without a word.
    if (plan_.server.Has("history.cursor")) {
      participant.auditor->CheckHistory(server_->log());
    }
  }
}

RunResult Simulation::Run() {
  Build();
  for (Participant& participant : participants_) {
    participant.device->Start();
    participant.workload->Begin();
  }
  ScheduleServerRestart();
  ScheduleOther();
  if (RunFor(plan_.safety_phase)) {
    StopFaults();
    if (Converge()) FinalChecks();
  }
  RunResult result;
  result.failure = verdict_.failure();
  result.trace = trace_.Text();
  result.trace_hash = trace_.hash();
  result.trace_lines = trace_.lines();
  result.actions = scheduler_.actions_run();
  result.probes = std::move(probes_);
  return result;
}

}  // namespace

RunResult RunSeed(const RunOptions& options) {
  return Simulation(options).Run();
}

std::string ReproduceLine(uint64_t seed) {
  return absl::StrCat("reproduce: bazel run //tests/sim:sim -- --seed ", seed,
                      " --seeds 1");
}

}  // namespace parley::sim
