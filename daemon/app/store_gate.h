#ifndef DAEMON_APP_STORE_GATE_H_
#define DAEMON_APP_STORE_GATE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/rpc/store_access.h"
#include "daemon/storage/store.h"

namespace parley::app {

// Stands between the store and its two users, the core and the clients, because
// a store cannot be recovered while somebody looks at a snapshot of it.
//
//   OPEN --Recover--> CLOSING --snapshots are given back--> CLOSED
//    ^                                                        |
//    '---------------- recovered -----------------------------'
//
// While it is not open, clients are told so; they never wait. Thread-safe as
// the store is.
class StoreGate final : public storage::Store {
 public:
  // How long Recover waits for snapshots. Clients give them back within one
  // turn of their thread.
  static constexpr absl::Duration kPatience = absl::Seconds(5);

  // The store must outlive the gate.
  explicit StoreGate(storage::Store* store) : store_(store), access_(this) {}

  // For clients.
  rpc::StoreAccess* access() { return &access_; }

  // Store.
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::StatusOr<std::vector<storage::Row>> Scan(
      absl::string_view begin, absl::string_view end, size_t limit,
      storage::ScanOrder order) const override;
  absl::Status Commit(
      const std::vector<storage::Transaction>& transactions) override;
  absl::Status Sync() override;
  absl::Status Recover() override;
  std::unique_ptr<storage::StoreReader> NewSnapshot() const override;

 private:
  class CountedSnapshot;
  class Access final : public rpc::StoreAccess {
   public:
    explicit Access(StoreGate* gate) : gate_(gate) {}
    absl::StatusOr<std::unique_ptr<storage::StoreReader>> NewSnapshot()
        override {
      return gate_->NewClientSnapshot();
    }

   private:
    StoreGate* const gate_;
  };

  absl::StatusOr<std::unique_ptr<storage::StoreReader>> NewClientSnapshot();
  void Leave();

  storage::Store* const store_;
  Access access_;
  base::Mutex mutex_;
  base::CondVar left_;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);  // OK: open
  int inside_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace parley::app

#endif  // DAEMON_APP_STORE_GATE_H_
