#include "daemon/app/store_gate.h"

#include <utility>

#include "absl/time/clock.h"
#include "daemon/model/errors.h"
#include "daemon/storage/open.h"

namespace parley::app {
namespace {

// What clients are told while the store is not open.
absl::Status Closed(const absl::Status& cause) {
  if (absl::IsResourceExhausted(cause)) {
    return model::MakeError(absl::StatusCode::kResourceExhausted,
                            model::ErrorReason::kStoreFull,
                            "the disk is full; the store can be read again "
                            "when there is room");
  }
  return model::WithRetryAfter(
      model::MakeError(
          absl::StatusCode::kUnavailable, model::ErrorReason::kStoreFailed,
          "the store failed and is being opened again; try again shortly"),
      absl::Seconds(1));
}

}  // namespace

class StoreGate::CountedSnapshot final : public storage::StoreReader {
 public:
  CountedSnapshot(StoreGate* gate,
                  std::unique_ptr<storage::StoreReader> snapshot)
      : gate_(gate), snapshot_(std::move(snapshot)) {}
  ~CountedSnapshot() override {
    snapshot_.reset();
    gate_->Leave();
  }

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    return snapshot_->Get(key);
  }
  absl::StatusOr<std::vector<storage::Row>> Scan(
      absl::string_view begin, absl::string_view end, size_t limit,
      storage::ScanOrder order) const override {
    return snapshot_->Scan(begin, end, limit, order);
  }

 private:
  StoreGate* const gate_;
  std::unique_ptr<storage::StoreReader> snapshot_;
};

absl::StatusOr<std::unique_ptr<storage::StoreReader>>
StoreGate::NewClientSnapshot() {
  {
    base::MutexLock lock(&mutex_);
    if (!closed_.ok()) return Closed(closed_);
    ++inside_;
  }
  return std::make_unique<CountedSnapshot>(this, store_->NewSnapshot());
}

void StoreGate::Leave() {
  base::MutexLock lock(&mutex_);
  --inside_;
  left_.Signal();
}

absl::Status StoreGate::Recover() {
  {
    const absl::Time deadline = absl::Now() + kPatience;
    base::MutexLock lock(&mutex_);
    if (closed_.ok()) closed_ = absl::UnavailableError("it is being recovered");
    while (inside_ > 0) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return absl::UnavailableError("clients still read the store");
      }
      left_.WaitFor(&mutex_, std::min(left, kPatience));
    }
  }
  absl::Status status = store_->Recover();
  if (status.ok()) status = storage::StartEpoch(store_);
  base::MutexLock lock(&mutex_);
  closed_ = status;
  return status;
}

absl::StatusOr<std::optional<std::string>> StoreGate::Get(
    absl::string_view key) const {
  return store_->Get(key);
}

absl::StatusOr<std::vector<storage::Row>> StoreGate::Scan(
    absl::string_view begin, absl::string_view end, size_t limit,
    storage::ScanOrder order) const {
  return store_->Scan(begin, end, limit, order);
}

absl::Status StoreGate::Commit(
    const std::vector<storage::Transaction>& transactions) {
  return store_->Commit(transactions);
}

absl::Status StoreGate::Sync() { return store_->Sync(); }

std::unique_ptr<storage::StoreReader> StoreGate::NewSnapshot() const {
  return store_->NewSnapshot();
}

}  // namespace parley::app
