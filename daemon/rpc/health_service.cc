#include "daemon/rpc/health_service.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/connection.h"
#include "daemon/model/errors.h"

namespace parley::rpc {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

bool IsConnected(model::ConnectionState state) {
  return state == model::ConnectionState::kReady ||
         state == model::ConnectionState::kCatchingUp;
}

// `core` is absent when it did not answer.
HealthCheckResponse::ServingStatus StatusOf(
    const std::string& service, const std::optional<model::CoreStatus>& core,
    const absl::Status& store) {
  const bool serving =
      service == kUpstreamHealth
          ? core.has_value() && IsConnected(core->connection.state)
          : core.has_value() && store.ok();
  return serving ? HealthCheckResponse::SERVING
                 : HealthCheckResponse::NOT_SERVING;
}

absl::Status StoreStatus(const Edge& edge, ReadRound* round) {
  absl::Status status = edge.live->store();
  status.Update(round->reader().status());
  return status;
}

// The status of one service: at first, and whenever it is another one.
class HealthSource final : public StreamSource<HealthCheckResponse> {
 public:
  HealthSource(const Edge& edge, std::string service, bool known)
      : edge_(edge), service_(std::move(service)), known_(known) {}

  absl::StatusOr<bool> Next(ReadRound* round,
                            HealthCheckResponse* response) override {
    const auto status = known_ ? StatusOf(service_, edge_.live->core(),
                                          StoreStatus(edge_, round))
                               : HealthCheckResponse::SERVICE_UNKNOWN;
    if (told_ == status) return false;
    told_ = status;
    response->set_status(status);
    return true;
  }
  bool has_more() const override { return false; }

 private:
  const Edge edge_;
  const std::string service_;
  const bool known_;
  std::optional<HealthCheckResponse::ServingStatus> told_;
};

void Check(const Edge& edge, const std::string& service,
           Respond<HealthCheckResponse> respond) {
  edge.core->Post(
      core::GetStatus{}, [edge, service, respond = std::move(respond)](
                             absl::StatusOr<core::ReplyBody> reply) {
        const auto body = BodyOf<core::StatusReply>(std::move(reply));
        std::optional<model::CoreStatus> core;
        if (body.ok()) core = body->status;
        ReadRound round(edge.store, MonotonicNow());
        HealthCheckResponse response;
        response.set_status(StatusOf(service, core, StoreStatus(edge, &round)));
        respond(std::move(response));
      });
}

}  // namespace

bool HealthServiceImpl::IsKnown(const std::string& service) const {
  return service.empty() || service == kUpstreamHealth ||
         services_.count(service) > 0;
}

void HealthServiceImpl::Serve(const Edge& edge) {
  using Generated = grpc::health::v1::Health::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestCheck,
             [this, edge](const auto&, const HealthCheckRequest& request,
                          Respond<HealthCheckResponse> respond) {
               if (!IsKnown(request.service())) {
                 return respond(model::MakeError(
                     absl::StatusCode::kNotFound, model::ErrorReason::kNotFound,
                     absl::StrCat("no service \"", request.service(),
                                  "\" is served here")));
               }
               Check(edge, request.service(), std::move(respond));
             });
  ServeStream(edge, &generated_, &Generated::RequestWatch,
              [this, edge](const HealthCheckRequest& request)
                  -> absl::StatusOr<
                      std::unique_ptr<StreamSource<HealthCheckResponse>>> {
                return std::make_unique<HealthSource>(
                    edge, request.service(), IsKnown(request.service()));
              });
}

}  // namespace parley::rpc
