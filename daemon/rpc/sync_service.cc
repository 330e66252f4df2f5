#include "daemon/rpc/sync_service.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/model/connection.h"
#include "daemon/model/sync.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/convert_status.h"
#include "daemon/rpc/live_source.h"
#include "daemon/rpc/validate.h"

namespace parley::rpc {
namespace {

// The status changes for other reasons than the catch-up, too; those are not
// told.
class SyncSource final : public LiveSource<v1::WatchSyncResponse> {
 public:
  explicit SyncSource(const LiveStatus* live) : live_(live) {}

 private:
  bool HasNews() const override {
    return live_->core().has_value() && !(told_ == live_->core()->sync);
  }
  void Tell(ReadRound*, v1::WatchSyncResponse* response) override {
    told_ = live_->core()->sync;
    ToProto(*told_, response->add_updates());
  }

  const LiveStatus* const live_;
  std::optional<model::SyncStatus> told_;
};

void StartSync(const Edge& edge, const v1::StartSyncRequest& request,
               Respond<v1::StartSyncResponse> respond) {
  core::StartSync command;
  auto room = RoomFilterField(request.room());
  if (!room.ok()) return respond(room.status());
  command.room = (*std::move(room)).value_or(model::RoomId());
  if (request.has_deadline()) {
    const auto deadline = SyncDeadlineFromProto(request.deadline());
    if (!deadline.ok()) return respond(deadline.status());
    command.deadline = *deadline;
  }
  AskCore<core::SyncReply>(
      edge, std::move(command), std::move(respond),
      [](const core::SyncReply& reply, v1::StartSyncResponse* response) {
        ToProto(reply.status, response->mutable_state());
      });
}

void CancelSync(const Edge& edge, Respond<v1::CancelSyncResponse> respond) {
  AskCore<core::SyncReply>(
      edge, core::CancelSync{}, std::move(respond),
      [](const core::SyncReply& reply, v1::CancelSyncResponse* response) {
        ToProto(reply.status, response->mutable_state());
      });
}

void GetSyncState(const Edge& edge, Respond<v1::GetSyncStateResponse> respond) {
  AskStatus(edge, [respond = std::move(respond)](
                      absl::StatusOr<model::CoreStatus> core) {
    if (!core.ok()) return respond(core.status());
    v1::GetSyncStateResponse response;
    ToProto(core->sync, response.mutable_state());
    respond(std::move(response));
  });
}

}  // namespace

void SyncServiceImpl::Serve(const Edge& edge) {
  using Generated = v1::SyncService::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestStartSync,
             [edge](const auto&, const auto& request, auto respond) {
               StartSync(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestCancelSync,
             [edge](const auto&, const auto&, auto respond) {
               CancelSync(edge, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestGetSyncState,
             [edge](const auto&, const auto&, auto respond) {
               GetSyncState(edge, std::move(respond));
             });
  ServeStream(edge, &generated_, &Generated::RequestWatchSync,
              [edge](const v1::WatchSyncRequest&)
                  -> absl::StatusOr<
                      std::unique_ptr<StreamSource<v1::WatchSyncResponse>>> {
                return std::make_unique<SyncSource>(edge.live);
              });
}

}  // namespace parley::rpc
