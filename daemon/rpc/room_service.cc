#include "daemon/rpc/room_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/paging.h"
#include "daemon/rpc/topic_source.h"
#include "daemon/rpc/validate.h"
#include "daemon/storage/queries.h"

namespace parley::rpc {
namespace {

constexpr char kList[] = "rooms";

void JoinRoom(const Edge& edge, const v1::JoinRoomRequest& request,
              Respond<v1::JoinRoomResponse> respond) {
  auto room = RoomField(request.room());
  if (!room.ok()) return respond(room.status());
  AskCore<core::RoomReply>(
      edge, core::JoinRoom{*std::move(room)}, std::move(respond),
      [](const core::RoomReply& reply, v1::JoinRoomResponse* response) {
        ToProto(reply.room, response->mutable_room());
      });
}

void LeaveRoom(const Edge& edge, const v1::LeaveRoomRequest& request,
               Respond<v1::LeaveRoomResponse> respond) {
  auto room = RoomField(request.room());
  if (!room.ok()) return respond(room.status());
  AskCore<core::Done>(edge, core::LeaveRoom{*std::move(room)},
                      std::move(respond),
                      [](const core::Done&, v1::LeaveRoomResponse*) {});
}

absl::StatusOr<v1::ListRoomsResponse> ListRooms(
    const Edge& edge, const v1::ListRoomsRequest& request) {
  const auto limit = PageSize(request.page_size());
  if (!limit.ok()) return limit.status();
  std::optional<model::RoomId> from;
  if (!request.page_token().empty()) {
    auto cursor = DecodePageToken(kList, request.page_token());
    if (!cursor.ok()) return cursor.status();
    from = model::RoomId(*std::move(cursor));
  }
  const auto reader = edge.store->NewSnapshot();
  if (!reader.ok()) return reader.status();
  const auto page = storage::ListRooms(**reader, from, *limit);
  if (!page.ok()) return page.status();
  v1::ListRoomsResponse response;
  for (const model::Room& room : page->rooms) {
    ToProto(room, response.add_rooms());
  }
  if (page->next.has_value()) {
    response.set_next_page_token(EncodePageToken(kList, page->next->value()));
  }
  return response;
}

absl::StatusOr<v1::GetRoomResponse> GetRoom(const Edge& edge,
                                            const v1::GetRoomRequest& request) {
  const auto id = RoomField(request.room());
  if (!id.ok()) return id.status();
  const auto reader = edge.store->NewSnapshot();
  if (!reader.ok()) return reader.status();
  const auto room = storage::GetRoom(**reader, *id);
  if (!room.ok()) return room.status();
  if (!room->has_value()) {
    return model::MakeError(
        absl::StatusCode::kNotFound, model::ErrorReason::kNotFound,
        absl::StrCat("this account is not in room ", id->value()));
  }
  v1::GetRoomResponse response;
  ToProto(**room, response.mutable_room());
  return response;
}

void AddUpdate(const model::Change& change, v1::WatchRoomsResponse* response) {
  if (const auto* room = std::get_if<model::Room>(&change.object)) {
    ToProto(*room, response->add_updates()->mutable_room());
  } else if (const auto* gone = std::get_if<model::Tombstone>(&change.object)) {
    response->add_updates()->set_removed_room(gone->room.value());
  }
}

}  // namespace

void RoomServiceImpl::Serve(const Edge& edge) {
  using Generated = v1::RoomService::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestJoinRoom,
             [edge](const auto&, const auto& request, auto respond) {
               JoinRoom(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestLeaveRoom,
             [edge](const auto&, const auto& request, auto respond) {
               LeaveRoom(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestListRooms,
             [edge](const auto&, const auto& request, auto respond) {
               respond(ListRooms(edge, request));
             });
  ServeUnary(edge, &generated_, &Generated::RequestGetRoom,
             [edge](const auto&, const auto& request, auto respond) {
               respond(GetRoom(edge, request));
             });
  ServeStream(edge, &generated_, &Generated::RequestWatchRooms,
              [edge](const v1::WatchRoomsRequest& request) {
                return WatchTopic<v1::WatchRoomsResponse>(
                    {model::Only(model::ObjectKind::kRoom), std::nullopt},
                    request.resume_token(),
                    edge.streams->options().bookmark_after, AddUpdate);
              });
}

}  // namespace parley::rpc
