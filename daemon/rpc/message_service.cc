#include "daemon/rpc/message_service.h"

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

absl::StatusOr<core::SendMessage> CommandOf(
    const v1::SendMessageRequest& request) {
  core::SendMessage command;
  auto room = RoomField(request.room());
  if (!room.ok()) return room.status();
  command.room = *std::move(room);
  if (!request.client_message_id().empty()) {
    auto id = ClientMessageIdField(request.client_message_id());
    if (!id.ok()) return id.status();
    command.client_id = *std::move(id);
  }
  auto content = ContentFromProto(request);
  if (!content.ok()) return content.status();
  const absl::Status valid = model::ValidateContent(*content);
  if (!valid.ok()) return valid;
  command.content = *std::move(content);
  if (request.has_expire_after()) {
    const auto expire_after = ExpireAfterFromProto(request.expire_after());
    if (!expire_after.ok()) return expire_after.status();
    command.expire_after = *expire_after;
  }
  return command;
}

void SendMessage(const Edge& edge, const v1::SendMessageRequest& request,
                 Respond<v1::SendMessageResponse> respond) {
  auto command = CommandOf(request);
  if (!command.ok()) return respond(command.status());
  AskCore<core::MessageAccepted>(
      edge, *std::move(command), std::move(respond),
      [](const core::MessageAccepted& reply,
         v1::SendMessageResponse* response) { ToProto(reply, response); });
}

// Names a list of messages: the pages of one go on with one another's tokens.
std::string ListName(const v1::ListMessagesRequest& request) {
  return absl::StrCat("messages", request.room().size(), ":", request.room(),
                      request.before_message_id().size(), ":",
                      request.before_message_id(), request.after_message_id());
}

absl::StatusOr<storage::MessageRange> RangeOf(
    const v1::ListMessagesRequest& request, const std::string& list) {
  const bool forward = !request.after_message_id().empty();
  if (forward && !request.before_message_id().empty()) {
    return model::InvalidField("after_message_id",
                               "is given together with before_message_id");
  }
  storage::MessageRange range;
  if (!request.page_token().empty()) {
    auto place = DecodePageToken(list, request.page_token());
    if (!place.ok()) return place.status();
    (forward ? range.after_place : range.before_place) = *std::move(place);
  } else if (forward) {
    range.after = model::MessageId(request.after_message_id());
  } else if (!request.before_message_id().empty()) {
    range.before = model::MessageId(request.before_message_id());
  }
  return range;
}

absl::StatusOr<v1::ListMessagesResponse> ListMessages(
    const Edge& edge, const v1::ListMessagesRequest& request) {
  const auto room = RoomField(request.room());
  if (!room.ok()) return room.status();
  const auto limit = PageSize(request.page_size());
  if (!limit.ok()) return limit.status();
  const std::string list = ListName(request);
  const auto range = RangeOf(request, list);
  if (!range.ok()) return range.status();
  const auto reader = edge.store->NewSnapshot();
  if (!reader.ok()) return reader.status();
  const auto page = storage::ListMessages(**reader, *room, *range, *limit);
  if (!page.ok()) return page.status();
  v1::ListMessagesResponse response;
  for (const model::MessageView& message : page->messages) {
    ToProto(message, response.add_messages());
  }
  if (!request.after_message_id().empty()) {
    if (page->has_newer) {
      response.set_next_page_token(EncodePageToken(list, page->newest_place));
    }
  } else if (page->has_older) {
    response.set_next_page_token(EncodePageToken(list, page->oldest_place));
  }
  return response;
}

void AddUpdate(const model::Change& change,
               v1::WatchMessagesResponse* response) {
  if (const auto* message = std::get_if<model::MessageView>(&change.object)) {
    ToProto(*message, response->add_updates()->mutable_message());
  } else if (const auto* delivery =
                 std::get_if<model::Delivery>(&change.object)) {
    ToProto(*delivery, response->add_updates()->mutable_delivery());
  } else if (const auto* gone = std::get_if<model::Tombstone>(&change.object)) {
    // A delivery goes with its message, or is still told by it.
    if (gone->kind != model::ObjectKind::kMessage) return;
    v1::RemovedMessage* const removed =
        response->add_updates()->mutable_removed();
    removed->set_room(gone->room.value());
    removed->set_message_id(gone->message_id.value());
    removed->set_client_message_id(gone->client_id.value());
  }
}

}  // namespace

void MessageServiceImpl::Serve(const Edge& edge) {
  using Generated = v1::MessageService::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestSendMessage,
             [edge](const auto&, const auto& request, auto respond) {
               SendMessage(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestListMessages,
             [edge](const auto&, const auto& request, auto respond) {
               respond(ListMessages(edge, request));
             });
  ServeStream(
      edge, &generated_, &Generated::RequestWatchMessages,
      [edge](const v1::WatchMessagesRequest& request)
          -> absl::StatusOr<
              std::unique_ptr<StreamSource<v1::WatchMessagesResponse>>> {
        auto room = RoomFilterField(request.room());
        if (!room.ok()) return room.status();
        return WatchTopic<v1::WatchMessagesResponse>(
            {model::Only(model::ObjectKind::kMessage) |
                 model::Only(model::ObjectKind::kDelivery),
             *std::move(room)},
            request.resume_token(), edge.streams->options().bookmark_after,
            AddUpdate);
      });
}

}  // namespace parley::rpc
