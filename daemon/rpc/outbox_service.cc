#include "daemon/rpc/outbox_service.h"

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

absl::StatusOr<v1::ListOutboxResponse> ListOutbox(
    const Edge& edge, const v1::ListOutboxRequest& request) {
  const auto limit = PageSize(request.page_size());
  if (!limit.ok()) return limit.status();
  auto room = RoomFilterField(request.room());
  if (!room.ok()) return room.status();
  const std::string list = absl::StrCat(
      request.failed_only() ? "failed" : "outbox", ":", request.room());
  std::string from;
  if (!request.page_token().empty()) {
    auto cursor = DecodePageToken(list, request.page_token());
    if (!cursor.ok()) return cursor.status();
    from = *std::move(cursor);
  }
  const auto reader = edge.store->NewSnapshot();
  if (!reader.ok()) return reader.status();
  const storage::OutboxFilter filter{*std::move(room), request.failed_only()};
  const auto page = storage::ListOutbox(**reader, filter, from, *limit);
  if (!page.ok()) return page.status();
  v1::ListOutboxResponse response;
  for (const model::OutboxEntry& entry : page->entries) {
    ToProto(entry, History::kOmitted, response.add_entries());
  }
  if (!page->next.empty()) {
    response.set_next_page_token(EncodePageToken(list, page->next));
  }
  return response;
}

// Where a message is that is not in the outbox.
std::string Whereabouts(const std::optional<model::SentRecord>& record) {
  if (!record.has_value()) return "no such message was accepted here";
  switch (record->outcome) {
    case model::SentRecord::Outcome::kSent:
      return record->message_id.empty()
                 ? "it was sent"
                 : absl::StrCat("it was sent, as message ",
                                record->message_id.value());
    case model::SentRecord::Outcome::kCancelled:
      return "it was cancelled";
    case model::SentRecord::Outcome::kCancelledAfterSend:
      return "it was cancelled after it had left, and may have been sent";
    case model::SentRecord::Outcome::kQueued:
    case model::SentRecord::Outcome::kFailed:
      return "it is on its way there";
  }
  return "";
}

absl::StatusOr<v1::GetOutboxEntryResponse> GetOutboxEntry(
    const Edge& edge, const v1::GetOutboxEntryRequest& request) {
  const auto id = ClientMessageIdField(request.client_message_id());
  if (!id.ok()) return id.status();
  const auto reader = edge.store->NewSnapshot();
  if (!reader.ok()) return reader.status();
  const auto entry = storage::GetOutboxEntry(**reader, *id);
  if (!entry.ok()) return entry.status();
  if (!entry->has_value()) {
    const auto record = storage::GetSentRecord(**reader, *id);
    if (!record.ok()) return record.status();
    return model::MakeError(
        absl::StatusCode::kNotFound, model::ErrorReason::kNotFound,
        absl::StrCat("message ", id->value(),
                     " is not in the outbox: ", Whereabouts(*record)));
  }
  v1::GetOutboxEntryResponse response;
  ToProto(**entry, History::kIncluded, response.mutable_entry());
  return response;
}

void RetryMessage(const Edge& edge, const v1::RetryMessageRequest& request,
                  Respond<v1::RetryMessageResponse> respond) {
  auto id = ClientMessageIdField(request.client_message_id());
  if (!id.ok()) return respond(id.status());
  AskCore<core::Done>(edge, core::RetryMessage{*std::move(id)},
                      std::move(respond),
                      [](const core::Done&, v1::RetryMessageResponse*) {});
}

void CancelMessage(const Edge& edge, const v1::CancelMessageRequest& request,
                   Respond<v1::CancelMessageResponse> respond) {
  auto id = ClientMessageIdField(request.client_message_id());
  if (!id.ok()) return respond(id.status());
  AskCore<core::CancelReply>(
      edge, core::CancelMessage{*std::move(id)}, std::move(respond),
      [](const core::CancelReply& reply, v1::CancelMessageResponse* response) {
        ToProto(reply, response);
      });
}

void FlushOutbox(const Edge& edge, Respond<v1::FlushOutboxResponse> respond) {
  AskCore<core::FlushReply>(
      edge, core::FlushOutbox{}, std::move(respond),
      [](const core::FlushReply& reply, v1::FlushOutboxResponse* response) {
        ToProto(reply, response);
      });
}

void AddUpdate(const model::Change& change, v1::WatchOutboxResponse* response) {
  if (const auto* entry = std::get_if<model::OutboxEntry>(&change.object)) {
    ToProto(*entry, History::kOmitted,
            response->add_updates()->mutable_entry());
  } else if (const auto* gone = std::get_if<model::Tombstone>(&change.object)) {
    v1::RemovedOutboxEntry* const removed =
        response->add_updates()->mutable_removed();
    removed->set_room(gone->room.value());
    removed->set_client_message_id(gone->client_id.value());
    removed->set_message_id(gone->message_id.value());
  }
}

}  // namespace

void OutboxServiceImpl::Serve(const Edge& edge) {
  using Generated = v1::OutboxService::AsyncService;
  ServeUnary(edge, &generated_, &Generated::RequestListOutbox,
             [edge](const auto&, const auto& request, auto respond) {
               respond(ListOutbox(edge, request));
             });
  ServeUnary(edge, &generated_, &Generated::RequestGetOutboxEntry,
             [edge](const auto&, const auto& request, auto respond) {
               respond(GetOutboxEntry(edge, request));
             });
  ServeUnary(edge, &generated_, &Generated::RequestRetryMessage,
             [edge](const auto&, const auto& request, auto respond) {
               RetryMessage(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestCancelMessage,
             [edge](const auto&, const auto& request, auto respond) {
               CancelMessage(edge, request, std::move(respond));
             });
  ServeUnary(edge, &generated_, &Generated::RequestFlushOutbox,
             [edge](const auto&, const auto&, auto respond) {
               FlushOutbox(edge, std::move(respond));
             });
  ServeStream(
      edge, &generated_, &Generated::RequestWatchOutbox,
      [edge](const v1::WatchOutboxRequest& request)
          -> absl::StatusOr<
              std::unique_ptr<StreamSource<v1::WatchOutboxResponse>>> {
        auto room = RoomFilterField(request.room());
        if (!room.ok()) return room.status();
        return WatchTopic<v1::WatchOutboxResponse>(
            {model::Only(model::ObjectKind::kOutboxEntry), *std::move(room)},
            request.resume_token(), edge.streams->options().bookmark_after,
            AddUpdate);
      });
}

}  // namespace parley::rpc
