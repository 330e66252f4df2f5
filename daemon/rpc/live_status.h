#ifndef DAEMON_RPC_LIVE_STATUS_H_
#define DAEMON_RPC_LIVE_STATUS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "daemon/model/connection.h"

namespace parley::rpc {

// How the core and the store stood when they last said so. Lives on the
// completion-queue thread.
class LiveStatus {
 public:
  // Grows with each change; 0: nothing was ever said.
  uint64_t version() const { return version_; }
  const std::optional<model::CoreStatus>& core() const { return core_; }
  // OK until somebody says otherwise.
  const absl::Status& store() const { return store_; }

  void SetCore(const model::CoreStatus& core) {
    core_ = core;
    ++version_;
  }
  void SetStore(const absl::Status& store) {
    store_ = store;
    ++version_;
  }

 private:
  uint64_t version_ = 0;
  std::optional<model::CoreStatus> core_;
  absl::Status store_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_LIVE_STATUS_H_
