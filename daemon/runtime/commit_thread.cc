#include "daemon/runtime/commit_thread.h"

#include <pthread.h>

#include <utility>

#include "daemon/base/check.h"

namespace parley::runtime {
namespace {

// The host has one commit on its way at a time, and one recovery after it.
constexpr size_t kMaxJobs = 8;

}  // namespace

CommitThread::CommitThread(storage::Store* store, Mailbox* mailbox)
    : store_(store), mailbox_(mailbox), thread_([this] {
        pthread_setname_np(pthread_self(), "parley-storage");
        Run();
      }) {}

void CommitThread::Submit(core::CommitRequest request) {
  Push(std::move(request));
}

void CommitThread::Recover() { Push(std::nullopt); }

void CommitThread::Push(std::optional<core::CommitRequest> job) {
  base::MutexLock lock(&mutex_);
  PARLEY_CHECK(jobs_.size() < kMaxJobs);
  jobs_.push_back(std::move(job));
  changed_.Signal();
}

void CommitThread::Stop() {
  {
    base::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void CommitThread::Run() {
  while (true) {
    std::optional<core::CommitRequest> job;
    {
      base::MutexLock lock(&mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    if (!job.has_value()) {
      mailbox_->PostCompletion(StoreRecovered{store_->Recover()});
      continue;
    }
    CommitDone done;
    done.commit = job->commit;
    done.status =
        job->sync_only ? store_->Sync() : store_->Commit(job->transactions);
    mailbox_->PostCompletion(std::move(done));
  }
}

}  // namespace parley::runtime
