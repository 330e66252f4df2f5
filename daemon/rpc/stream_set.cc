#include "daemon/rpc/stream_set.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/model/errors.h"

namespace parley::rpc {

base::MonotonicTime MonotonicNow() {
  return base::MonotonicTime(
      absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()));
}

absl::Status StreamSet::Add(Stream* stream) {
  if (!closed_.ok()) return closed_;
  if (streams_.size() >= options_.max_streams) {
    return model::WithRetryAfter(
        model::MakeError(
            absl::StatusCode::kResourceExhausted,
            model::ErrorReason::kTooManyRequests,
            absl::StrCat(streams_.size(),
                         " streams are open, as many as the daemon serves; "
                         "end one")),
        absl::Seconds(1));
  }
  streams_.insert(stream);
  return absl::OkStatus();
}

size_t StreamSet::open() const {
  return static_cast<size_t>(
      std::count_if(streams_.begin(), streams_.end(),
                    [](const Stream* stream) { return !stream->ended(); }));
}

void StreamSet::Pump(Stream* stream) {
  ReadRound round(store_, MonotonicNow());
  stream->Pump(&round);
}

void StreamSet::PumpAll() {
  ReadRound round(store_, MonotonicNow());
  for (Stream* stream : streams_) stream->Pump(&round);
}

void StreamSet::WatchProgress() {
  if (sweep_planned_ || !closed_.ok()) return;
  sweep_planned_ = true;
  alarm_.Set(queue_,
             std::chrono::system_clock::now() +
                 absl::ToChronoNanoseconds(options_.sweep_interval),
             static_cast<Completion*>(this));
}

void StreamSet::OnComplete(bool ok) {
  sweep_planned_ = false;
  if (!ok || !closed_.ok()) return;
  ReadRound round(store_, MonotonicNow());
  bool again = false;
  for (Stream* stream : streams_) again = stream->Sweep(&round) || again;
  if (again) WatchProgress();
}

void StreamSet::Close(const absl::Status& status) {
  closed_ = status;
  if (sweep_planned_) alarm_.Cancel();
  for (Stream* stream : streams_) stream->End(status);
}

}  // namespace parley::rpc
