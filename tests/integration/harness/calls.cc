#include "tests/integration/harness/calls.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace parley::integration {
namespace {

absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

// Calls a method of a stub with a deadline.
template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub* stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*,
                                               const Request&, Response*),
                  const Request& request, Response* response,
                  bool wait_for_ready = false) {
  grpc::ClientContext context;
  context.set_wait_for_ready(wait_for_ready);
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  return ToStatus((stub->*method)(&context, request, response));
}

}  // namespace

absl::StatusOr<v1::DaemonStatus> Calls::Status() {
  v1::GetStatusResponse response;
  absl::Status status;
  // A connection to the daemon that was there before fails once.
  WaitFor([&] {
    status =
        Call(&client_->daemon(), &v1::DaemonService::StubInterface::GetStatus,
             v1::GetStatusRequest(), &response, /*wait_for_ready=*/true);
    return !absl::IsUnavailable(status);
  });
  if (!status.ok()) return status;
  return response.status();
}

absl::Status Calls::Connect() {
  v1::ConnectResponse response;
  return Call(&client_->daemon(), &v1::DaemonService::StubInterface::Connect,
              v1::ConnectRequest(), &response);
}

absl::Status Calls::Join(const std::string& room) {
  v1::JoinRoomRequest request;
  request.set_room(room);
  v1::JoinRoomResponse response;
  return Call(&client_->rooms(), &v1::RoomService::StubInterface::JoinRoom,
              request, &response);
}

absl::StatusOr<std::string> Calls::Send(const std::string& room,
                                        const std::string& text,
                                        const std::string& client_id) {
  v1::SendMessageRequest request;
  request.set_room(room);
  request.set_text(text);
  request.set_client_message_id(client_id);
  v1::SendMessageResponse response;
  const absl::Status status =
      Call(&client_->messages(),
           &v1::MessageService::StubInterface::SendMessage, request, &response);
  if (!status.ok()) return status;
  return response.client_message_id();
}

absl::StatusOr<std::vector<v1::Message>> Calls::Messages(
    const std::string& room) {
  v1::ListMessagesRequest request;
  request.set_room(room);
  request.set_page_size(1000);
  v1::ListMessagesResponse response;
  const absl::Status status = Call(
      &client_->messages(), &v1::MessageService::StubInterface::ListMessages,
      request, &response);
  if (!status.ok()) return status;
  return std::vector<v1::Message>(response.messages().begin(),
                                  response.messages().end());
}

absl::StatusOr<std::vector<v1::Room>> Calls::Rooms() {
  v1::ListRoomsRequest request;
  request.set_page_size(1000);
  v1::ListRoomsResponse response;
  const absl::Status status =
      Call(&client_->rooms(), &v1::RoomService::StubInterface::ListRooms,
           request, &response);
  if (!status.ok()) return status;
  return std::vector<v1::Room>(response.rooms().begin(),
                               response.rooms().end());
}

absl::StatusOr<std::vector<v1::OutboxEntry>> Calls::Outbox() {
  v1::ListOutboxRequest request;
  request.set_page_size(1000);
  v1::ListOutboxResponse response;
  const absl::Status status =
      Call(&client_->outbox(), &v1::OutboxService::StubInterface::ListOutbox,
           request, &response);
  if (!status.ok()) return status;
  return std::vector<v1::OutboxEntry>(response.entries().begin(),
                                      response.entries().end());
}

absl::Status Calls::WaitUntil(
    absl::FunctionRef<bool(const v1::DaemonStatus&)> condition,
    absl::Duration timeout) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  const auto reader =
      client_->daemon().WatchStatus(&context, v1::WatchStatusRequest());
  v1::WatchStatusResponse response;
  v1::DaemonStatus last;
  while (reader->Read(&response)) {
    for (const v1::DaemonStatus& status : response.updates()) {
      last = status;
      if (!condition(status)) continue;
      context.TryCancel();
      reader->Finish();
      return absl::OkStatus();
    }
  }
  const absl::Status end = ToStatus(reader->Finish());
  return absl::Status(end.ok() ? absl::StatusCode::kUnavailable : end.code(),
                      absl::StrCat(end.message(), "; last it was so: ",
                                   last.ShortDebugString()));
}

absl::Status Calls::WaitUntilReady(absl::Duration timeout) {
  return WaitUntil(
      [](const v1::DaemonStatus& status) {
        return status.connection().state() == v1::CONNECTION_STATE_READY;
      },
      timeout);
}

absl::Status Calls::WaitUntilSent(absl::Duration timeout) {
  return WaitUntil(
      [](const v1::DaemonStatus& status) {
        return status.connection().state() == v1::CONNECTION_STATE_READY &&
               status.outbox().queued() == 0;
      },
      timeout);
}

}  // namespace parley::integration
