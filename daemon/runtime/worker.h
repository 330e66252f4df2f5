#ifndef DAEMON_RUNTIME_WORKER_H_
#define DAEMON_RUNTIME_WORKER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "daemon/base/bounded_queue.h"
#include "daemon/base/mutex.h"

namespace parley::runtime {

// One thread for small jobs that may block, one after the other, so that the
// core never does. Thread-safe.
class Worker {
 public:
  // `name` of the thread: at most 15 bytes.
  Worker(const std::string& name, size_t capacity);
  ~Worker() { Stop(); }

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // False, and the job dropped, when the queue is full or the worker stopped.
  bool TryRun(std::function<void()> job);

  // From here on nothing is accepted and nothing begun; waits for nothing.
  void RequestStop();

  // RequestStop, then waits for the job that runs. A second call does nothing.
  void Stop();

 private:
  void Run();

  base::Mutex mutex_;
  base::CondVar changed_;
  base::BoundedQueue<std::function<void()>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_WORKER_H_
