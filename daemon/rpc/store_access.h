#ifndef DAEMON_RPC_STORE_ACCESS_H_
#define DAEMON_RPC_STORE_ACCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "daemon/storage/store.h"

namespace parley::rpc {

// Reads for clients, beside the core.
class StoreAccess {
 public:
  virtual ~StoreAccess() = default;

  // The store at this moment, or why it cannot be read now: an error with a
  // reason, as clients get it. Called on the completion-queue thread; the
  // snapshot is given back within the same turn of that thread, so that a
  // recovery never waits for a client.
  virtual absl::StatusOr<std::unique_ptr<storage::StoreReader>>
  NewSnapshot() = 0;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_STORE_ACCESS_H_
