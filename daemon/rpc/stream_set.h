#ifndef DAEMON_RPC_STREAM_SET_H_
#define DAEMON_RPC_STREAM_SET_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/model/limits.h"
#include "daemon/rpc/completion.h"
#include "daemon/rpc/store_access.h"
#include "daemon/rpc/watch_cursor.h"

namespace parley::rpc {

base::MonotonicTime MonotonicNow();

// An open stream, as the set sees it. Does not go away while one of these runs.
class Stream {
 public:
  // Something may have changed: says what is new, or notes to look again once
  // the write on its way is done.
  virtual void Pump(ReadRound* round) = 0;
  // Looks whether the client still reads. True when it must be looked at again
  // later, whether or not something changes.
  virtual bool Sweep(ReadRound* round) = 0;
  virtual void End(const absl::Status& status) = 0;
  // Nothing more is said on it.
  virtual bool ended() const = 0;

 protected:
  ~Stream() = default;
};

// All open streams. Its timer runs only while a stream waits for its client or
// owes it a bookmark, so that a daemon without news does not wake. Lives on the
// completion-queue thread.
class StreamSet final : public Completion {
 public:
  struct Options {
    size_t max_streams = model::kMaxWatchStreams;
    // A write that takes longer than this ends the stream.
    absl::Duration lag_timeout = model::kConsumerLagTimeout;
    // How long a stream that has ended may take to reach its client.
    absl::Duration cut_off_after = model::kConsumerLagTimeout;
    absl::Duration bookmark_after = absl::Minutes(1);
    // How late any of these may be noticed.
    absl::Duration sweep_interval = absl::Seconds(5);
  };

  StreamSet(const Options& options, StoreAccess* store,
            grpc::CompletionQueue* queue)
      : options_(options), store_(store), queue_(queue) {}

  const Options& options() const { return options_; }
  // Without those that have ended, which count until their client knows.
  size_t open() const;

  // RESOURCE_EXHAUSTED/TOO_MANY_REQUESTS when the set is full.
  absl::Status Add(Stream* stream);
  void Remove(Stream* stream) { streams_.erase(stream); }

  // Says what is new to one stream, or to all.
  void Pump(Stream* stream);
  void PumpAll();

  // A stream wants to be swept.
  void WatchProgress();

  // Ends all streams, and all later ones, with `status`.
  void Close(const absl::Status& status);

  void OnComplete(bool ok) override;

 private:
  const Options options_;
  StoreAccess* const store_;
  grpc::CompletionQueue* const queue_;
  std::set<Stream*> streams_;
  absl::Status closed_;
  bool sweep_planned_ = false;
  grpc::Alarm alarm_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_STREAM_SET_H_
