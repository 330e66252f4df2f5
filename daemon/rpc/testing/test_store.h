#ifndef DAEMON_RPC_TESTING_TEST_STORE_H_
#define DAEMON_RPC_TESTING_TEST_STORE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/base/mutex.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/model/room.h"
#include "daemon/rpc/store_access.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"

namespace parley::rpc {

// A store in memory with real tables, written to by the test. Snapshots may be
// taken by any thread, everything else by one.
class TestStore final : public StoreAccess {
 public:
  explicit TestStore(const std::string& store_id = "store-1");

  absl::StatusOr<std::unique_ptr<storage::StoreReader>> NewSnapshot() override;

  // Commits what `write` puts into the tables.
  void Write(const std::function<void(storage::Tables&)>& write);

  void PutRoom(const std::string& name,
               model::JoinState join_state = model::JoinState::kJoined);
  // A message that the server has.
  void PutMessage(const std::string& room, uint64_t room_seq,
                  const std::string& text);
  // A message that is queued here: an outbox entry, a delivery and a local
  // echo.
  void PutQueued(const std::string& room, const std::string& client_id,
                 const std::string& text);
  void PutFailed(const std::string& room, const std::string& client_id);
  void RemoveQueued(const std::string& client_id);

  // While it is not OK, snapshots fail with it.
  void SetDown(const absl::Status& status);
  // As a daemon that is started anew.
  void Reopen();

  storage::MemoryStore& store() { return store_; }

 private:
  storage::MemoryStore store_;
  std::optional<storage::StagedStore> staged_;
  std::optional<storage::Tables> tables_;
  uint64_t next_outbox_seq_ = 1;

  base::Mutex mutex_;
  absl::Status down_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_TESTING_TEST_STORE_H_
