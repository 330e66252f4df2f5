#ifndef DAEMON_RPC_STREAM_CALL_H_
#define DAEMON_RPC_STREAM_CALL_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/time.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/completion.h"
#include "daemon/rpc/errors.h"
#include "daemon/rpc/stream_set.h"

namespace parley::rpc {

// The trailing metadata that says where a stream that was too slow goes on.
inline constexpr char kResumeTokenKey[] = "parley-resume-token";

// What a stream says. It keeps no queue: it is asked when the client can take
// something, and then looks for what is new. Lives on the completion-queue
// thread.
template <typename Response>
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // Fills in the next response; false when there is nothing to say.
  virtual absl::StatusOr<bool> Next(ReadRound* round, Response* response) = 0;
  // Next has more to say without anything having changed.
  virtual bool has_more() const = 0;
  // Next will have something to say when time has passed.
  virtual bool waits_for_time() const { return false; }
  // Where a client that has read everything goes on; empty: nowhere.
  virtual std::string resume_token() const { return ""; }
};

// One server stream, and before it the wait for one: there is always one object
// per method that waits.
//
//   WAITING --a call arrives--> IDLE <----> WRITING ---.
//      |                          |            |       | no progress: lagged
//      | the server stops         '--error-----+-------+--> ENDING
//      v                                       |              |
//   (deleted) <-- all tags are back, the call is over <-------'
//
// At most one write is on its way, and while it is, nothing is queued: the
// source is asked again when it is done. A write that is not done in time means
// that the client does not read. It is then told so behind what it has still to
// read; when that does not move either, the call is cut off.
//
// Lives on the completion-queue thread and owns itself.
template <typename Request, typename Response>
class StreamCall final : public Stream {
 public:
  struct Method {
    // Asks gRPC for the next call of this method.
    std::function<void(grpc::ServerContext*, Request*,
                       grpc::ServerAsyncWriter<Response>*, void* tag)>
        await;
    std::function<absl::StatusOr<std::unique_ptr<StreamSource<Response>>>(
        const Request&)>
        open;
    // Whether to wait for another call after one arrived.
    std::function<bool()> accepting;
    StreamSet* streams;
  };

  static void Await(const std::shared_ptr<const Method>& method) {
    new StreamCall(method);
  }

  void Pump(ReadRound* round) override {
    changed_ = true;
    if (state_ == State::kIdle) Say(round);
  }

  bool Sweep(ReadRound* round) override {
    const absl::Duration waited = round->now() - since_;
    switch (state_) {
      case State::kWaiting:
        return false;
      case State::kIdle:
        if (source_->waits_for_time()) Say(round);
        return state_ == State::kWriting || source_->waits_for_time();
      case State::kWriting:
        if (waited >= streams()->options().lag_timeout) EndLagged();
        return true;
      case State::kEnding:
        if (waited >= streams()->options().cut_off_after) context_.TryCancel();
        return true;
    }
    return false;
  }

  bool ended() const override { return state_ == State::kEnding; }

  void End(const absl::Status& status) override {
    if (state_ == State::kEnding || call_over_) return;
    state_ = State::kEnding;
    since_ = MonotonicNow();
    finishing_ = true;
    writer_.Finish(ToGrpcStatus(status), finish_tag_.tag());
  }

 private:
  enum class State { kWaiting, kIdle, kWriting, kEnding };

  explicit StreamCall(std::shared_ptr<const Method> method)
      : method_(std::move(method)), writer_(&context_) {
    context_.AsyncNotifyWhenDone(done_tag_.tag());
    method_->await(&context_, &request_, &writer_, arrive_tag_.tag());
  }
  ~StreamCall() { streams()->Remove(this); }

  StreamSet* streams() const { return method_->streams; }

  void OnArrive(bool ok) {
    if (!ok) {
      delete this;  // gRPC does not return done_tag_ of a call that never was
      return;
    }
    state_ = State::kIdle;
    if (method_->accepting()) Await(method_);
    const absl::Status added = streams()->Add(this);
    if (!added.ok()) {
      End(added);
      return;
    }
    auto source = method_->open(request_);
    if (!source.ok()) {
      End(source.status());
      return;
    }
    source_ = *std::move(source);
    read_token_ = source_->resume_token();
    streams()->Pump(this);
  }

  void Say(ReadRound* round) {
    changed_ = false;
    Response response;
    const absl::StatusOr<bool> said = source_->Next(round, &response);
    if (!said.ok()) {
      End(said.status());
    } else if (*said) {
      state_ = State::kWriting;
      since_ = round->now();
      writing_ = true;
      writer_.Write(response, write_tag_.tag());
      streams()->WatchProgress();
    } else if (source_->waits_for_time()) {
      streams()->WatchProgress();
    }
  }

  void OnWrite(bool ok) {
    writing_ = false;
    if (state_ == State::kWriting && ok) {
      state_ = State::kIdle;
      read_token_ = source_->resume_token();
      if (changed_ || source_->has_more()) streams()->Pump(this);
    }
    DeleteIfOver();
  }

  void EndLagged() {
    // What was written before may still be on its way to the client; the token
    // is that of the last write which left the daemon, and reading something
    // twice does no harm.
    if (!read_token_.empty()) {
      context_.AddTrailingMetadata(kResumeTokenKey, read_token_);
    }
    End(model::MakeError(
        absl::StatusCode::kResourceExhausted,
        model::ErrorReason::kConsumerLagged,
        absl::StrCat("nothing was read from this stream for ",
                     absl::FormatDuration(streams()->options().lag_timeout),
                     "; watch again with the last resume token")));
  }

  void OnFinish(bool ok) {
    finishing_ = false;
    DeleteIfOver();
  }

  // The client has cancelled, its connection is gone, or Finish is through.
  void OnDone(bool ok) {
    call_over_ = true;
    state_ = State::kEnding;
    DeleteIfOver();
  }

  void DeleteIfOver() {
    if (call_over_ && !writing_ && !finishing_) delete this;
  }

  const std::shared_ptr<const Method> method_;
  State state_ = State::kWaiting;
  base::MonotonicTime since_;  // of WRITING and ENDING
  bool changed_ = false;       // something may be new since Next was asked
  bool writing_ = false;
  bool finishing_ = false;
  bool call_over_ = false;
  std::string read_token_;

  MethodTag<StreamCall, &StreamCall::OnArrive> arrive_tag_{this};
  MethodTag<StreamCall, &StreamCall::OnWrite> write_tag_{this};
  MethodTag<StreamCall, &StreamCall::OnFinish> finish_tag_{this};
  MethodTag<StreamCall, &StreamCall::OnDone> done_tag_{this};

  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncWriter<Response> writer_;
  std::unique_ptr<StreamSource<Response>> source_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_STREAM_CALL_H_
