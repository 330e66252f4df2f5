#ifndef DAEMON_RPC_UNARY_CALL_H_
#define DAEMON_RPC_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/rpc/completion.h"
#include "daemon/rpc/errors.h"

namespace parley::rpc {

// Answers a call. Called exactly once, on the completion-queue thread, during
// the handler or any time after it.
template <typename Response>
using Respond = std::function<void(absl::StatusOr<Response>)>;

// One unary call, and before it the wait for one: there is always one object
// per method that waits.
//
//   WAITING --a call arrives--> RUNNING --Respond--> FINISHING --> (deleted)
//      '--the server stops--> (deleted)
//
// Lives on the completion-queue thread and owns itself.
template <typename Request, typename Response>
class UnaryCall final : public Completion {
 public:
  struct Method {
    // Asks gRPC for the next call of this method.
    std::function<void(grpc::ServerContext*, Request*,
                       grpc::ServerAsyncResponseWriter<Response>*, void* tag)>
        await;
    // The request and the context live until the call is answered.
    std::function<void(const grpc::ServerContext&, const Request&,
                       Respond<Response>)>
        handle;
    // Whether to wait for another call after one arrived.
    std::function<bool()> accepting;
  };

  static void Await(const std::shared_ptr<const Method>& method) {
    new UnaryCall(method);
  }

  void OnComplete(bool ok) override {
    if (state_ == State::kFinishing || !ok) {
      delete this;
      return;
    }
    state_ = State::kRunning;
    if (method_->accepting()) Await(method_);
    method_->handle(
        context_, request_,
        [this](absl::StatusOr<Response> result) { Finish(std::move(result)); });
  }

 private:
  enum class State { kWaiting, kRunning, kFinishing };

  explicit UnaryCall(std::shared_ptr<const Method> method)
      : method_(std::move(method)), writer_(&context_) {
    method_->await(&context_, &request_, &writer_, tag());
  }
  ~UnaryCall() = default;

  void* tag() { return static_cast<Completion*>(this); }

  void Finish(absl::StatusOr<Response> result) {
    state_ = State::kFinishing;
    if (result.ok()) {
      writer_.Finish(*result, grpc::Status::OK, tag());
    } else {
      writer_.FinishWithError(ToGrpcStatus(result.status()), tag());
    }
  }

  const std::shared_ptr<const Method> method_;
  State state_ = State::kWaiting;
  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncResponseWriter<Response> writer_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_UNARY_CALL_H_
