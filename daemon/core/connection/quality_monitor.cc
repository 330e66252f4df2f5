#include "daemon/core/connection/quality_monitor.h"

#include <algorithm>

namespace parley::core {
namespace {

model::QualityLevel LevelOf(absl::Duration latency) {
  if (latency < absl::Milliseconds(100)) return model::QualityLevel::kExcellent;
  if (latency < absl::Milliseconds(300)) return model::QualityLevel::kGood;
  if (latency < absl::Milliseconds(600)) return model::QualityLevel::kFair;
  return model::QualityLevel::kPoor;
}

}  // namespace

void QualityMonitor::OnPing(uint64_t ping, base::MonotonicTime now) {
  // Before the first answer it is not known whether there will be one.
  if (answered_ && !waiting_.empty() && !waiting_.back().lost &&
      now - waiting_.back().sent_at >= kInterval) {
    waiting_.back().lost = true;
    Add({now - waiting_.back().sent_at, /*lost=*/true});
  }
  waiting_.push_back({ping, now});
  if (waiting_.size() <= kPatience) return;
  if (answered_) {
    waiting_.pop_front();
  } else {
    mute_ = true;
    waiting_.clear();
  }
}

void QualityMonitor::OnAck(uint64_t ping, base::MonotonicTime now) {
  const auto asked =
      std::find_if(waiting_.begin(), waiting_.end(),
                   [ping](const Waiting& w) { return w.ping == ping; });
  // Of another request, or told by a pong already.
  if (asked == waiting_.end()) return;
  const bool lost = asked->lost;
  waiting_.erase(waiting_.begin(), lost ? asked + 1 : asked);
  if (!lost) OnPong(now);
}

void QualityMonitor::OnPong(base::MonotonicTime now) {
  // One that was given up may never have been answered: it says nothing of
  // those after it.
  while (!waiting_.empty() && waiting_.front().lost) waiting_.pop_front();
  if (waiting_.empty()) return;
  if (!answered_) samples_.clear();  // of heartbeats
  answered_ = true;
  Add({now - waiting_.front().sent_at});
  waiting_.pop_front();
}

void QualityMonitor::OnHeartbeat(base::MonotonicTime now,
                                 absl::Duration interval) {
  if (mute_ && heartbeat_at_.has_value()) {
    Add({std::max(now - *heartbeat_at_ - interval, absl::ZeroDuration())});
  }
  heartbeat_at_ = now;
}

void QualityMonitor::Add(Sample sample) {
  samples_.push_back(sample);
  if (samples_.size() > kWindow) samples_.pop_front();
}

model::QualityStatus QualityMonitor::status() const {
  model::QualityStatus status;
  if (samples_.empty()) return status;
  absl::Duration sum;
  for (const Sample& sample : samples_) {
    sum += sample.latency;
    if (sample.lost) ++status.lost;
  }
  status.samples = static_cast<uint32_t>(samples_.size());
  status.average_latency = sum / static_cast<int64_t>(samples_.size());
  status.level = LevelOf(*status.average_latency);
  return status;
}

}  // namespace parley::core
