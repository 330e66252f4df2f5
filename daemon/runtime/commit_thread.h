#ifndef DAEMON_RUNTIME_COMMIT_THREAD_H_
#define DAEMON_RUNTIME_COMMIT_THREAD_H_

#include <deque>
#include <optional>
#include <thread>

#include "daemon/base/mutex.h"
#include "daemon/core/step_executor.h"
#include "daemon/runtime/engine_host.h"
#include "daemon/runtime/mailbox.h"
#include "daemon/storage/store.h"

namespace parley::runtime {

// The storage thread: does what the core asks of the store, in order, so that
// the core never waits for a disk. Submit and Recover are called on the core
// thread; each is answered through the mailbox.
class CommitThread : public StorePort {
 public:
  // Both must outlive this object.
  CommitThread(storage::Store* store, Mailbox* mailbox);
  ~CommitThread() override { Stop(); }

  CommitThread(const CommitThread&) = delete;
  CommitThread& operator=(const CommitThread&) = delete;

  // StorePort.
  const storage::StoreReader& reader() const override { return *store_; }
  void Submit(core::CommitRequest request) override;
  void Recover() override;

  // Ends the thread after what was asked so far. A second call does nothing.
  void Stop();

 private:
  void Run();
  void Push(std::optional<core::CommitRequest> job);

  storage::Store* const store_;
  Mailbox* const mailbox_;
  base::Mutex mutex_;
  base::CondVar changed_;
  // Commits, and recoveries (nullopt).
  std::deque<std::optional<core::CommitRequest>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_COMMIT_THREAD_H_
