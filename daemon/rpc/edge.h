#ifndef DAEMON_RPC_EDGE_H_
#define DAEMON_RPC_EDGE_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "daemon/core/api/effect.h"
#include "daemon/model/connection.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/core_calls.h"
#include "daemon/rpc/live_status.h"
#include "daemon/rpc/store_access.h"
#include "daemon/rpc/stream_call.h"
#include "daemon/rpc/stream_set.h"
#include "daemon/rpc/unary_call.h"

namespace parley::rpc {

// What services work with. All of it lives on the completion-queue thread.
struct Edge {
  grpc::ServerCompletionQueue* queue;
  StoreAccess* store;
  CoreCalls* core;
  LiveStatus* live;
  StreamSet* streams;
  std::function<bool()> accepting;  // false once the server is stopping
};

// One service of the API: validates, converts, and asks the core or reads the
// store. It holds no logic.
class Service {
 public:
  virtual ~Service() = default;
  // To be registered before the server starts.
  virtual grpc::Service* grpc_service() = 0;
  // Waits for calls from here on. Once, after the server started.
  virtual void Serve(const Edge& edge) = 0;
};

// Where the compiler shall not look for a template's argument.
template <typename T>
struct TypeIdentity {
  using type = T;
};

// Has `handle` answer all calls of a unary method, for example
//   ServeUnary(edge, &async_, &v1::RoomService::AsyncService::RequestGetRoom,
//              [this](const auto& context, const auto& request, auto respond) {
template <typename Generated, typename Request, typename Response>
void ServeUnary(
    const Edge& edge, typename TypeIdentity<Generated>::type* generated,
    void (Generated::*await)(grpc::ServerContext*, Request*,
                             grpc::ServerAsyncResponseWriter<Response>*,
                             grpc::CompletionQueue*,
                             grpc::ServerCompletionQueue*, void*),
    typename TypeIdentity<std::function<void(
        const grpc::ServerContext&, const Request&, Respond<Response>)>>::type
        handle) {
  using Call = UnaryCall<Request, Response>;
  grpc::ServerCompletionQueue* const queue = edge.queue;
  Call::Await(
      std::make_shared<const typename Call::Method>(typename Call::Method{
          [=](auto* context, auto* request, auto* writer, void* tag) {
            (generated->*await)(context, request, writer, queue, queue, tag);
          },
          std::move(handle), edge.accepting}));
}

// Has what `open` returns speak in all calls of a server-streaming method.
template <typename Generated, typename Request, typename Response>
void ServeStream(
    const Edge& edge, typename TypeIdentity<Generated>::type* generated,
    void (Generated::*await)(grpc::ServerContext*, Request*,
                             grpc::ServerAsyncWriter<Response>*,
                             grpc::CompletionQueue*,
                             grpc::ServerCompletionQueue*, void*),
    typename TypeIdentity<std::function<absl::StatusOr<
        std::unique_ptr<StreamSource<Response>>>(const Request&)>>::type open) {
  using Call = StreamCall<Request, Response>;
  grpc::ServerCompletionQueue* const queue = edge.queue;
  Call::Await(
      std::make_shared<const typename Call::Method>(typename Call::Method{
          [=](auto* context, auto* request, auto* writer, void* tag) {
            (generated->*await)(context, request, writer, queue, queue, tag);
          },
          std::move(open), edge.accepting, edge.streams}));
}

// What the core's reply holds, which must be a `Body`.
template <typename Body>
absl::StatusOr<Body> BodyOf(absl::StatusOr<core::ReplyBody> reply) {
  if (!reply.ok()) return reply.status();
  if (Body* const body = std::get_if<Body>(&*reply)) return std::move(*body);
  return model::MakeError(absl::StatusCode::kInternal,
                          model::ErrorReason::kStoreFailed,
                          "the core gave another kind of answer");
}

// Posts a command whose reply is a `Body`, and answers the call with what
// `convert` makes of it.
template <typename Body, typename Response, typename Convert>
// NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved
void AskCore(const Edge& edge, core::CommandBody command,
             Respond<Response> respond, Convert convert) {
  edge.core->Post(std::move(command),
                  [respond = std::move(respond), convert = std::move(convert)](
                      absl::StatusOr<core::ReplyBody> reply) {
                    const auto body = BodyOf<Body>(std::move(reply));
                    if (!body.ok()) {
                      respond(body.status());
                      return;
                    }
                    Response response;
                    convert(*body, &response);
                    respond(std::move(response));
                  });
}

// Calls `then` with how the core stands, or an error. While the store is down
// the core does not answer; then it is how it stood last.
inline void AskStatus(
    const Edge& edge,
    std::function<void(absl::StatusOr<model::CoreStatus>)> then) {
  edge.core->Post(
      core::GetStatus{}, [live = edge.live, then = std::move(then)](
                             absl::StatusOr<core::ReplyBody> reply) {
        auto body = BodyOf<core::StatusReply>(std::move(reply));
        if (body.ok()) return then(std::move(body->status));
        const model::ErrorReason reason = model::ErrorReasonOf(body.status());
        const bool store_is_down = reason == model::ErrorReason::kStoreFailed ||
                                   reason == model::ErrorReason::kStoreFull;
        if (store_is_down && live->core().has_value()) {
          return then(*live->core());
        }
        then(body.status());
      });
}

}  // namespace parley::rpc

#endif  // DAEMON_RPC_EDGE_H_
