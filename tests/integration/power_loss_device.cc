#include "tests/integration/power_loss_device.h"

#include <utility>
#include <variant>

#include "daemon/base/secret.h"
#include "daemon/storage/open.h"
#include "gtest/gtest.h"
#include "tests/sim/token.h"

namespace parley::integration {
namespace {

constexpr int64_t kTokenExpiry = 4102444800;  // 2100-01-01
// Until a commit reaches the disk, and again until the core hears of it.
constexpr absl::Duration kCommitTime = absl::Milliseconds(1);
constexpr absl::Duration kDownTime = absl::Milliseconds(50);

}  // namespace

PowerLossDevice::PowerLossDevice(const Options& options,
                                 sim::Scheduler* scheduler,
                                 sim::SimNetwork* network,
                                 DeviceClients* clients)
    : options_(options),
      scheduler_(scheduler),
      network_(network),
      clients_(clients) {
  ArmNextPowerLoss();
}

PowerLossDevice::~PowerLossDevice() = default;

void PowerLossDevice::Start() {
  ++process_;
  const absl::Status opened = OpenStore();
  if (DiedOfPowerLoss()) return;
  ASSERT_TRUE(opened.ok()) << opened;
  clients_->OnStoreOpened(*store_);
  core::EngineOptions engine;
  engine.connection.server_urls = {options_.server_url};
  host_ = std::make_unique<runtime::EngineHost>(engine, this, this,
                                                base::Rng(process_));
  const absl::Status started = host_->Start(scheduler_->Read());
  ASSERT_TRUE(started.ok()) << started;
}

absl::Status PowerLossDevice::OpenStore() {
  auto store = storage::RocksDbStore::Open(options_.store_directory,
                                           {options_.file_system});
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  return storage::PrepareStore(store_.get(), "power-loss-store");
}

void PowerLossDevice::ArmNextPowerLoss() {
  storage::FaultFileSystem& files = *options_.file_system;
  files.CrashAt(power_losses_ < options_.power_losses.size()
                    ? files.write_points() +
                          options_.power_losses[power_losses_]
                    : 0);
}

bool PowerLossDevice::DiedOfPowerLoss() {
  if (!options_.file_system->crashed()) return false;
  ++power_losses_;
  host_.reset();
  store_.reset();
  for (const auto& [timer, handle] : timers_) scheduler_->Cancel(handle);
  timers_.clear();
  CloseLink();
  options_.file_system->PowerCut(options_.tail);
  ArmNextPowerLoss();
  clients_->OnPowerLost();
  ++process_;
  scheduler_->After(kDownTime, [this] { Start(); });
  return true;
}

void PowerLossDevice::Later(absl::Duration delay,
                            std::function<void()> action) {
  scheduler_->After(delay,
                    [this, process = process_, action = std::move(action)] {
                      if (process == process_) action();
                    });
}

// --- Events ------------------------------------------------------------------

void PowerLossDevice::Handle(core::Event event) {
  if (!up() || DiedOfPowerLoss()) return;
  host_->Handle(std::move(event), scheduler_->Read());
}

void PowerLossDevice::OnLinkEvent(core::Event event) {
  if (std::holds_alternative<core::TransportClosed>(event)) {
    link_ = 0;
    connection_ = core::ConnectionId();
  }
  Handle(std::move(event));
}

void PowerLossDevice::Submit(core::CommitRequest request) {
  Later(kCommitTime, [this, request = std::move(request)] { Commit(request); });
}

void PowerLossDevice::Commit(const core::CommitRequest& request) {
  const absl::Status status =
      request.sync_only ? store_->Sync() : store_->Commit(request.transactions);
  if (DiedOfPowerLoss()) return;
  ASSERT_TRUE(status.ok()) << status;
  Later(kCommitTime, [this, commit = request.commit] {
    if (DiedOfPowerLoss()) return;
    host_->OnCommitDone(commit, absl::OkStatus(), scheduler_->Read());
  });
}

void PowerLossDevice::Recover() {
  ADD_FAILURE() << "a disk without errors was recovered";
}

// --- Effects -----------------------------------------------------------------

void PowerLossDevice::Perform(core::EffectBody effect) {
  std::visit([this](auto& body) { Do(body); }, effect);
}

void PowerLossDevice::Do(core::Reply& reply) { clients_->OnReply(reply); }

void PowerLossDevice::Do(core::OpenConnection& open) {
  connection_ = open.connection;
  link_ = network_->Open(this, open.connection);
}

void PowerLossDevice::Do(core::SendFrame& frame) {
  if (frame.connection == connection_) {
    network_->Send(link_, std::move(frame.text));
  }
}

void PowerLossDevice::Do(core::CloseConnection& close) {
  if (close.connection == connection_) CloseLink();
}

void PowerLossDevice::CloseLink() {
  if (link_ != 0) network_->CloseByDevice(link_);
  link_ = 0;
  connection_ = core::ConnectionId();
}

void PowerLossDevice::Do(core::FetchCredentials& fetch) {
  core::CredentialsFetched fetched;
  fetched.fetch = fetch.fetch;
  fetched.token = base::Secret(
      sim::SignToken({{"userId", options_.user}, {"exp", kTokenExpiry}}));
  Later(absl::Milliseconds(1), [this, fetched] { Handle(fetched); });
}

void PowerLossDevice::Do(core::SetTimer& set) {
  const auto existing = timers_.find(set.timer);
  if (existing != timers_.end()) scheduler_->Cancel(existing->second);
  timers_[set.timer] = scheduler_->At(set.at, [this, timer = set.timer] {
    timers_.erase(timer);
    Handle(core::TimerFired{timer});
  });
}

void PowerLossDevice::Do(core::CancelTimer& cancel) {
  const auto existing = timers_.find(cancel.timer);
  if (existing == timers_.end()) return;
  scheduler_->Cancel(existing->second);
  timers_.erase(existing);
}

void PowerLossDevice::Do(core::EngineRebuilt&) {
  ADD_FAILURE() << "the engine was given up on a disk without errors";
}

}  // namespace parley::integration
