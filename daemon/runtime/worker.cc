#include "daemon/runtime/worker.h"

#include <pthread.h>

#include <utility>

namespace parley::runtime {

Worker::Worker(const std::string& name, size_t capacity)
    : jobs_(capacity), thread_([this, name] {
        pthread_setname_np(pthread_self(), name.c_str());
        Run();
      }) {}

bool Worker::TryRun(std::function<void()> job) {
  base::MutexLock lock(&mutex_);
  if (stopping_ || !jobs_.TryPush(std::move(job))) return false;
  changed_.Signal();
  return true;
}

void Worker::RequestStop() {
  base::MutexLock lock(&mutex_);
  stopping_ = true;
  changed_.Signal();
}

void Worker::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void Worker::Run() {
  while (true) {
    std::function<void()> job;
    {
      base::MutexLock lock(&mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (stopping_) return;
      job = jobs_.Pop();
    }
    job();
  }
}

}  // namespace parley::runtime
