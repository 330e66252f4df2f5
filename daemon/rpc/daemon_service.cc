#include "daemon/rpc/daemon_service.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/convert_status.h"
#include "daemon/rpc/convert_value.h"
#include "daemon/rpc/live_source.h"
#include "daemon/rpc/validate.h"
#include "daemon/storage/queries.h"

namespace parley::rpc {
namespace {

class StatusSource final : public LiveSource<v1::WatchStatusResponse> {
 public:
  StatusSource(const DaemonServiceImpl* service, const LiveStatus* live)
      : service_(service), live_(live) {}

 private:
  bool HasNews() const override {
    return live_->core().has_value() && told_version_ != live_->version();
  }
  void Tell(ReadRound* round, v1::WatchStatusResponse* response) override {
    told_version_ = live_->version();
    *response->add_updates() = service_->Status(*live_->core(), round);
  }

  const DaemonServiceImpl* const service_;
  const LiveStatus* const live_;
  uint64_t told_version_ = 0;
};

v1::StoreState StateOf(const absl::Status& error) {
  if (error.ok()) return v1::STORE_STATE_SERVING;
  return model::ErrorReasonOf(error) == model::ErrorReason::kStoreFull
             ? v1::STORE_STATE_FULL
             : v1::STORE_STATE_FAILED;
}

// The token is nowhere but in the command, where nothing prints it.
void SetCredentials(const Edge& edge, const v1::SetCredentialsRequest& request,
                    Respond<v1::SetCredentialsResponse> respond) {
  auto token = TokenField(request.token());
  if (!token.ok()) return respond(token.status());
  AskCore<core::Done>(edge, core::SetCredentials{*std::move(token)},
                      std::move(respond),
                      [](const core::Done&, v1::SetCredentialsResponse*) {});
}

void SignOut(const Edge& edge, const v1::SignOutRequest& request,
             Respond<v1::SignOutResponse> respond) {
  AskCore<core::SignOutReply>(
      edge, core::SignOut{request.discard_outbox(), request.wipe_cache()},
      std::move(respond),
      [](const core::SignOutReply& reply, v1::SignOutResponse* response) {
        ToProto(reply, response);
      });
}

}  // namespace

void DaemonServiceImpl::StoreStatus(ReadRound* round,
                                    v1::StoreStatus* status) const {
  // Reads may work while writes do not.
  absl::Status error = edge_->live->store();
  const auto reader = round->reader();
  if (reader.ok()) {
    const auto info = storage::GetStoreInfo(**reader);
    if (info.ok()) {
      status->set_store_id(info->store_id);
      status->set_schema_version(static_cast<int32_t>(info->schema_version));
      status->set_last_change(static_cast<int64_t>(info->last_change.value()));
    } else {
      error.Update(info.status());
    }
  } else {
    error.Update(reader.status());
  }
  status->set_state(StateOf(error));
  status->set_error(std::string(error.message()));
}

v1::DaemonStatus DaemonServiceImpl::Status(const model::CoreStatus& core,
                                           ReadRound* round) const {
  v1::DaemonStatus status;
  status.set_version(options_.info.version);
  status.set_profile(options_.info.profile);
  status.set_pid(::getpid());
  SetTimestamp(options_.info.started_at, status.mutable_started_at());
  ToProto(core, &status);
  StoreStatus(round, status.mutable_store());
  const ConnectionCount connections = options_.connections();
  v1::ClientsStatus* const clients = status.mutable_clients();
  clients->set_connections(connections.open);
  clients->set_max_connections(connections.max);
  clients->set_streams(static_cast<int32_t>(edge_->streams->open()));
  clients->set_max_streams(
      static_cast<int32_t>(edge_->streams->options().max_streams));
  return status;
}

void DaemonServiceImpl::GetStatus(Respond<v1::GetStatusResponse> respond) {
  AskStatus(*edge_, [this, respond = std::move(respond)](
                        absl::StatusOr<model::CoreStatus> core) {
    if (!core.ok()) return respond(core.status());
    ReadRound round(edge_->store, MonotonicNow());
    v1::GetStatusResponse response;
    *response.mutable_status() = Status(*core, &round);
    respond(std::move(response));
  });
}

void DaemonServiceImpl::GetCapabilities(
    Respond<v1::GetCapabilitiesResponse> respond) {
  AskStatus(*edge_, [respond = std::move(respond)](
                        absl::StatusOr<model::CoreStatus> core) {
    if (!core.ok()) return respond(core.status());
    v1::GetCapabilitiesResponse response;
    ToProto(core->capabilities, response.mutable_server());
    *response.mutable_limits() = DaemonLimitsProto();
    respond(std::move(response));
  });
}

void DaemonServiceImpl::Serve(const Edge& edge) {
  edge_ = edge;
  using Generated = v1::DaemonService::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestGetStatus,
             [this](const auto&, const auto&, auto respond) {
               GetStatus(std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestGetCapabilities,
             [this](const auto&, const auto&, auto respond) {
               GetCapabilities(std::move(respond));
             });
  ServeUnary(
      edge, &generated_, &Generated::RequestConnect,
      [edge](const auto&, const auto&, Respond<v1::ConnectResponse> respond) {
        AskCore<core::Done>(edge, core::Connect{}, std::move(respond),
                            [](const core::Done&, v1::ConnectResponse*) {});
      });
  ServeUnary(edge, &generated_, &Generated::RequestDisconnect,
             [edge](const auto&, const auto&,
                    Respond<v1::DisconnectResponse> respond) {
               AskCore<core::Done>(
                   edge, core::Disconnect{}, std::move(respond),
                   [](const core::Done&, v1::DisconnectResponse*) {});
             });
  ServeUnary(edge, &generated_, &Generated::RequestSetCredentials,
             [edge](const auto&, const auto& request, auto respond) {
               SetCredentials(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestSignOut,
             [edge](const auto&, const auto& request, auto respond) {
               SignOut(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestShutdown,
             [this](const auto& context, const auto&, auto respond) {
               respond(v1::ShutdownResponse());
               if (!std::exchange(shutting_down_, true)) {
                 options_.shut_down(context.peer());
               }
             });
  ServeStream(edge, &generated_, &Generated::RequestWatchStatus,
              [this](const v1::WatchStatusRequest&)
                  -> absl::StatusOr<
                      std::unique_ptr<StreamSource<v1::WatchStatusResponse>>> {
                return std::make_unique<StatusSource>(this, edge_->live);
              });
}

}  // namespace parley::rpc
