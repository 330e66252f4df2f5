#include "tests/spec/crash_run.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/base/secret.h"
#include "tests/sim/describe.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/token.h"
#include "tests/spec/script.h"
#include "tests/spec/spec_disk.h"

namespace parley::spec {
namespace {

constexpr absl::Duration kLatency = absl::Milliseconds(1);
constexpr absl::Duration kConvergeWithin = absl::Minutes(15);

// Network, server, credentials and clock for a device that no script leads any
// more: everything works, and answers soon.
class Takeover : public sim::ServerLinks {
 public:
  explicit Takeover(const SpecCase& spec, Script* script)
      : spec_(spec),
        device_(&script->device()),
        clock_(&script->clock()),
        server_(spec.server, clock_, this, &script->truth(), base::Rng(1)) {
    for (const sim::LogEntry& entry : script->log()) server_.Adopt(entry);
    device_->SetCrashPoint(CrashPoint());
    device_->SetManualCommits(false);
    device_->SetListener(
        [this](core::EffectBody& effect) { OnEffect(effect); });
  }

  void RunFor(absl::Duration duration) {
    const base::MonotonicTime end = clock_->now() + duration;
    while (clock_->RunNext(end)) {
    }
  }
  const std::optional<model::CoreStatus>& status() const { return status_; }

  // ServerLinks.
  void ToClient(sim::LinkId link, std::string frame) override {
    clock_->After(kLatency, [this, link, frame = std::move(frame)] {
      if (links_.count(link) == 0) return;
      device_->Handle(core::TextReceived{links_[link], frame});
    });
  }
  void EndByServer(sim::LinkId link) override {
    clock_->After(kLatency, [this, link] {
      const auto found = links_.find(link);
      if (found == links_.end()) return;
      core::TransportClosed closed;
      closed.connection = found->second;
      closed.reason = "closed by the server";
      closed.close_code = 1000;
      links_.erase(found);
      device_->Handle(std::move(closed));
    });
  }

 private:
  void OnEffect(core::EffectBody& effect) {
    if (const auto* open = std::get_if<core::OpenConnection>(&effect)) {
      // The auditor's name of the link, which is the device's.
      link_ = device_->link();
      links_[link_] = open->connection;
      clock_->After(kLatency, [this, link = link_] {
        if (links_.count(link) == 0) return;
        device_->Handle(core::TransportOpened{links_[link]});
        server_.OnOpened(link);
      });
    } else if (const auto* frame = std::get_if<core::SendFrame>(&effect)) {
      clock_->After(kLatency, [this, link = link_, text = frame->text] {
        server_.OnText(link, text);
      });
    } else if (std::holds_alternative<core::CloseConnection>(effect) ||
               std::holds_alternative<core::EngineRebuilt>(effect)) {
      links_.erase(link_);
      clock_->After(kLatency, [this, link = link_] { server_.OnGone(link); });
    } else if (const auto* fetch =
                   std::get_if<core::FetchCredentials>(&effect)) {
      core::CredentialsFetched fetched;
      fetched.fetch = fetch->fetch;
      fetched.token = base::Secret(sim::SignToken(
          {{"userId", spec_.user}, {"takeover", fetch->fetch.value()}}));
      clock_->After(kLatency, [this, fetched] { device_->Handle(fetched); });
    } else if (const auto* set = std::get_if<core::SetTimer>(&effect)) {
      clock_->At(set->at, [this, set = *set] {
        if (device_->TimerAt(set.timer) == set.at) device_->Fire(set.timer);
      });
    } else if (const auto* reply = std::get_if<core::Reply>(&effect)) {
      if (!reply->result.ok()) return;
      const auto* status = std::get_if<core::StatusReply>(&*reply->result);
      if (status != nullptr) status_ = status->status;
    }
  }

  const SpecCase& spec_;
  SpecDevice* const device_;
  sim::Scheduler* const clock_;
  sim::SimServer server_;
  sim::LinkId link_ = 0;
  std::map<sim::LinkId, core::ConnectionId> links_;
  std::optional<model::CoreStatus> status_;
};

std::string Recover(const SpecCase& spec, size_t next_step, bool power_cut,
                    Script* script) {
  script->device().Stop(power_cut);
  Takeover takeover(spec, script);
  script->device().Start();
  for (size_t i = next_step; i < spec.steps.size(); ++i) {
    for (core::CommandBody& command : Script::CommandsOf(spec.steps[i])) {
      takeover.RunFor(absl::Milliseconds(20));
      script->Call(std::move(command));
    }
  }
  // Whatever the script's clients wanted last: online, it must converge.
  script->Call(core::Connect{});
  const base::MonotonicTime end = script->clock().now() + kConvergeWithin;
  for (;;) {
    takeover.RunFor(absl::Seconds(5));
    script->Call(core::GetStatus{});
    if (script->verdict().failed()) return script->verdict().failure();
    const model::CoreStatus& status = *takeover.status();
    if (status.connection.state == model::ConnectionState::kReady &&
        status.outbox.queued == 0 &&
        status.rooms.joined == status.rooms.rooms) {
      break;
    }
    if (end < script->clock().now()) {
      return "no convergence: " + sim::Describe(status);
    }
  }
  takeover.RunFor(absl::Seconds(5));
  script->auditor()->AtRest();
  return script->verdict().failure();
}

}  // namespace

std::string RunWithCrash(const SpecCase& spec, const CrashPoint& point,
                         bool power_cut) {
  const std::unique_ptr<SpecDisk> disk = MakeMemoryDisk();
  Script script(spec, disk.get());
  script.device().SetCrashPoint(point);
  for (size_t i = 0; i < spec.steps.size(); ++i) {
    const absl::Status status = script.Play(spec.steps[i]);
    if (script.verdict().failed()) return script.verdict().failure();
    if (script.device().crashed()) {
      return Recover(spec, i + 1, power_cut, &script);
    }
    if (!status.ok()) return std::string(status.message());
  }
  return "the crash point was not reached";
}

CrashPoints CountCrashPoints(const SpecCase& spec) {
  const std::unique_ptr<SpecDisk> disk = MakeMemoryDisk();
  Script script(spec, disk.get());
  for (const Json& step : spec.steps) PARLEY_CHECK(script.Play(step).ok());
  return {script.device().commits(), script.device().effects()};
}

}  // namespace parley::spec
