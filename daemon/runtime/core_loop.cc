#include "daemon/runtime/core_loop.h"

#include <pthread.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace parley::runtime {

CoreLoop::CoreLoop(const Options& options, EngineHost* host, Mailbox* mailbox,
                   TimerQueue* timers, const Clock* clock)
    : options_(options),
      host_(host),
      mailbox_(mailbox),
      timers_(timers),
      clock_(clock) {}

CoreLoop::~CoreLoop() {
  if (thread_.joinable()) Stop(absl::ZeroDuration());
}

void CoreLoop::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "parley-core");
    Run();
  });
}

bool CoreLoop::Stop(absl::Duration deadline) {
  stop_within_ = deadline;
  mailbox_->Close();
  if (thread_.joinable()) thread_.join();
  return drained_;
}

void CoreLoop::Run() {
  while (true) {
    ReportStore();
    if (mailbox_->closed()) {
      if (stop_at_ == base::MonotonicTime::InfiniteFuture()) {
        stop_at_ = clock_->Now().monotonic + stop_within_;
        // What came in before the doors were closed is still served.
        for (Mail& mail : mailbox_->Take(absl::ZeroDuration())) {
          Handle(std::move(mail));
        }
      }
      drained_ = Drained();
      if (drained_ || clock_->Now().monotonic >= stop_at_) return;
    }
    for (Mail& mail : mailbox_->Take(NextTimeout())) Handle(std::move(mail));
    FireTimers();
  }
}

void CoreLoop::Handle(Mail mail) {
  const base::Now now = clock_->Now();
  if (auto* event = std::get_if<core::Event>(&mail)) {
    host_->Handle(std::move(*event), now);
  } else if (auto* done = std::get_if<CommitDone>(&mail)) {
    host_->OnCommitDone(done->commit, done->status, now);
  } else if (auto* recovered = std::get_if<StoreRecovered>(&mail)) {
    host_->OnRecovered(recovered->status, now);
  }
}

void CoreLoop::FireTimers() {
  while (true) {
    const base::Now now = clock_->Now();
    std::optional<core::TimerId> timer = timers_->PopDue(now.monotonic);
    if (!timer.has_value()) return;
    host_->Handle(core::TimerFired{*std::move(timer)}, now);
  }
}

void CoreLoop::ReportStore() {
  if (host_->store_status() == reported_store_) return;
  reported_store_ = host_->store_status();
  if (options_.on_store_status) options_.on_store_status(reported_store_);
}

absl::Duration CoreLoop::NextTimeout() const {
  const base::MonotonicTime next = std::min(timers_->next(), stop_at_);
  if (next == base::MonotonicTime::InfiniteFuture()) {
    return absl::InfiniteDuration();
  }
  return std::max(next - clock_->Now().monotonic, absl::ZeroDuration());
}

bool CoreLoop::Drained() {
  if (host_->idle()) return true;
  // What was written relaxed is not left to its timer.
  const core::TimerId sync{core::TimerKind::kRelaxedSync, {}};
  if (host_->store_status().ok()) {
    timers_->Cancel(sync);
    host_->Handle(core::TimerFired{sync}, clock_->Now());
  }
  return host_->idle();
}

}  // namespace parley::runtime
