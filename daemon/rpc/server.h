#ifndef DAEMON_RPC_SERVER_H_
#define DAEMON_RPC_SERVER_H_

#include <grpcpp/server.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/base/mutex.h"
#include "daemon/model/limits.h"
#include "daemon/rpc/core_calls.h"
#include "daemon/rpc/daemon_service.h"
#include "daemon/rpc/edge.h"
#include "daemon/rpc/inbox.h"
#include "daemon/rpc/listener.h"
#include "daemon/rpc/live_status.h"
#include "daemon/rpc/store_access.h"
#include "daemon/rpc/stream_set.h"
#include "daemon/runtime/ports.h"

namespace parley::rpc {

// The gRPC edge: everything that clients see.
//
//   Listener's thread ---connections---> gRPC ---calls---> completion queue
//   core thread ---ClientPort---> Inbox ---an alarm------>      |
//                                                       one thread: services,
//                       core <---EventSink.TryPost---   streams, this class
//                       store <---snapshots----------
//
//   NEW --Start--> SERVING --Stop--> DRAINING --nothing waits for the core,
//                                       |        or half of the deadline-->
//                                    CLOSED --calls are over--> (stopped)
//
// DRAINING: nothing new is accepted, streams have ended, and calls that wait
// for the core get its answer. CLOSED: those that still wait are told that the
// daemon stops.
//
// Start and Stop are called by one thread, the ClientPort by any.
class RpcServer final : public runtime::ClientPort {
 public:
  struct Options {
    DaemonInfo info;
    // Asked for by a client. Called on the completion-queue thread; must not
    // block, and not call Stop.
    std::function<void()> request_shutdown;
    StreamSet::Options streams;
    size_t max_calls = model::kMaxCallsInFlight;
    // A peer that connects and says nothing, or is stopped, is held no longer
    // than both together.
    absl::Duration keepalive_interval = absl::Seconds(60);
    absl::Duration keepalive_timeout = absl::Seconds(20);
  };

  explicit RpcServer(Options options);
  ~RpcServer() override;

  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Serves what `listener` accepts. `core` and `store` must work until Stop has
  // returned.
  absl::Status Start(std::unique_ptr<Listener> listener,
                     runtime::EventSink* core, StoreAccess* store);

  // Returns when no call is left, after `deadline` at the latest. The core
  // should still run, so that calls are answered rather than cut off. Only the
  // first call does something.
  void Stop(absl::Duration deadline);

  // ClientPort. What is told before Start is kept for it; what is told after
  // Stop is dropped.
  void OnReply(core::CallId call,
               absl::StatusOr<core::ReplyBody> result) override;
  void OnFeedAdvanced(model::ChangeSeq last) override;
  void OnStatus(const model::CoreStatus& status) override;

  // Whether the store can be read and written, whenever that changes. From any
  // thread.
  void OnStoreStatus(const absl::Status& status);

 private:
  enum class Phase { kServing, kDraining, kClosed };
  struct InboxTag final : public Completion {
    explicit InboxTag(RpcServer* owner) : owner(owner) {}
    void OnComplete(bool ok) override { owner->ReadInbox(); }
    RpcServer* const owner;
  };

  std::unique_ptr<grpc::Server> BuildServer();
  void Run();
  void ReadInbox();
  void EnterPhase(Phase phase);
  void TellIfIdle();
  void ShutDown(const std::string& peer);
  // True when every call that waited for the core has been answered.
  bool WaitUntilIdle(absl::Duration timeout);

  const Options options_;
  std::unique_ptr<Listener> listener_;
  Inbox inbox_;
  InboxTag inbox_tag_{this};
  std::vector<std::unique_ptr<Service>> services_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
  bool stopped_ = false;

  // The completion-queue thread's own, once it runs.
  Phase phase_ = Phase::kServing;
  LiveStatus live_;
  std::optional<CoreCalls> calls_;
  std::optional<StreamSet> streams_;

  base::Mutex mutex_;
  base::CondVar idle_changed_;
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_SERVER_H_
