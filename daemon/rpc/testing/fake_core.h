#ifndef DAEMON_RPC_TESTING_FAKE_CORE_H_
#define DAEMON_RPC_TESTING_FAKE_CORE_H_

#include <functional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/base/mutex.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/runtime/ports.h"

namespace parley::rpc {

// A core that answers each command by a script: at once, or when it is told
// to. Thread-safe.
class FakeCore final : public runtime::EventSink {
 public:
  using Script =
      std::function<absl::StatusOr<core::ReplyBody>(const core::CommandBody&)>;

  // Where answers go; before the first command.
  void SetClients(runtime::ClientPort* clients) { clients_ = clients; }
  void SetScript(Script script);
  // Whether answers wait for Release.
  void SetHolding(bool holding);
  void Release();
  // Whether commands are refused, as by a full mailbox.
  void SetFull(bool full);

  bool TryPost(core::Event event) override;
  void Post(core::Event event) override { TryPost(std::move(event)); }

  std::vector<core::CommandBody> commands() const;
  size_t held() const;

 private:
  runtime::ClientPort* clients_ = nullptr;
  mutable base::Mutex mutex_;
  Script script_ ABSL_GUARDED_BY(mutex_);
  bool holding_ ABSL_GUARDED_BY(mutex_) = false;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<core::CommandBody> commands_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<core::CallId, absl::StatusOr<core::ReplyBody>>> held_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_TESTING_FAKE_CORE_H_
