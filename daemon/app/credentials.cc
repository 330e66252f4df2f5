#include "daemon/app/credentials.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "daemon/base/logging.h"
#include "daemon/base/mutex.h"

namespace parley::app {

// What the thread works with, and owns a share of, in case it is left behind.
// Then it touches nothing else: neither the sink nor the log.
class Credentials::Worker {
 public:
  struct Job {
    core::FetchId fetch;
    base::Secret kept;  // empty: the source is asked
  };

  Worker(Source source, runtime::EventSink* sink, FileReader read_file)
      : file_(std::move(source.file)),
        read_file_(std::move(read_file)),
        sink_(sink) {
    if (source.command.has_value()) {
      command_.emplace(*std::move(source.command));
    }
  }

  // In place of the job that has not begun.
  void Do(Job job) {
    base::MutexLock lock(&mutex_);
    next_ = std::move(job);
    changed_.SignalAll();
  }

  // The thread.
  void Run();

  // False: the thread is stuck, and to be left behind.
  bool Stop();

 private:
  // Waits for a job. None: it is time to end.
  std::optional<Job> Take();
  absl::StatusOr<FileToken> Read();
  void Post(core::FetchId fetch, absl::StatusOr<FileToken> token);

  const std::string file_;
  const FileReader read_file_;
  std::optional<TokenCommand> command_;
  runtime::EventSink* const sink_;
  bool warned_ = false;  // the thread's own

  base::Mutex mutex_;
  base::CondVar changed_;
  std::optional<Job> next_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool posting_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

void Credentials::Worker::Run() {
  while (std::optional<Job> job = Take()) {
    if (job->kept.empty()) {
      Post(job->fetch, Read());
    } else {
      Post(job->fetch, FileToken{std::move(job->kept)});
    }
  }
}

std::optional<Credentials::Worker::Job> Credentials::Worker::Take() {
  base::MutexLock lock(&mutex_);
  while (!next_.has_value() && !stopping_) changed_.Wait(&mutex_);
  if (!stopping_) return std::exchange(next_, std::nullopt);
  ended_ = true;
  changed_.SignalAll();
  return std::nullopt;
}

absl::StatusOr<FileToken> Credentials::Worker::Read() {
  if (command_.has_value()) {
    absl::StatusOr<base::Secret> token = command_->Run();
    if (!token.ok()) return token.status();
    return FileToken{*std::move(token)};
  }
  if (!file_.empty()) return read_file_(file_);
  return absl::FailedPreconditionError(
      "there is no token: set token_file or token_command in the "
      "configuration, give --token-file, or hand one over with parleyctl auth "
      "set-token");
}

void Credentials::Worker::Post(core::FetchId fetch,
                               absl::StatusOr<FileToken> token) {
  {
    base::MutexLock lock(&mutex_);
    if (stopping_) return;
    posting_ = true;
  }
  core::CredentialsFetched event{fetch, base::Secret()};
  if (!token.ok()) {
    event.token = token.status();
  } else {
    if (token->exposed && !warned_) {
      base::logging::Warning("others can read the token file; chmod 600 it",
                             {{"file", file_}});
    }
    warned_ = token->exposed;
    event.token = std::move(token->value);
  }
  sink_->Post(std::move(event));
  base::MutexLock lock(&mutex_);
  posting_ = false;
  changed_.SignalAll();
}

bool Credentials::Worker::Stop() {
  if (command_.has_value()) command_->Cancel();
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + absl::ToChronoSeconds(kStopPatience);
  base::MutexLock lock(&mutex_);
  stopping_ = true;
  changed_.SignalAll();
  while (!ended_) {
    const absl::Duration left = absl::FromChrono(deadline - Clock::now());
    // What is not stuck in the source is about to end.
    if (left <= absl::ZeroDuration() && !posting_) return false;
    changed_.WaitFor(&mutex_, std::max(left, absl::Milliseconds(1)));
  }
  return true;
}

Credentials::Credentials(Source source, runtime::EventSink* sink,
                         FileReader read_file)
    : sink_(sink),
      worker_(std::make_shared<Worker>(std::move(source), sink,
                                       std::move(read_file))),
      thread_([worker = worker_] {
        pthread_setname_np(pthread_self(), "parley-tokens");
        worker->Run();
      }) {}

void Credentials::Keep(base::Secret token) { kept_ = std::move(token); }

void Credentials::Fetch(core::FetchId fetch) {
  // The thread has the patience that the core's may not have, when the core has
  // more to do than its mailbox holds.
  if (kept_.empty() ||
      !sink_->TryPost(core::CredentialsFetched{fetch, kept_})) {
    worker_->Do({fetch, kept_});
  }
}

void Credentials::Stop() {
  if (!thread_.joinable()) return;
  if (worker_->Stop()) {
    thread_.join();
    return;
  }
  base::logging::Warning(
      "stopped although the source of the token does not answer");
  thread_.detach();
}

}  // namespace parley::app
