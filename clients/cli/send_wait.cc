#include "clients/cli/send_wait.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/message_text.h"
#include "clients/cli/status_text.h"

namespace parley::cli {
namespace {

// Follows one entry of the outbox until it leaves or is parked, and beside it,
// on a thread of its own, the connection.
class OutcomeWait {
 public:
  OutcomeWait(const v1::SendMessageRequest& request, Context& context,
              v1::SendMessageResponse* response)
      : request_(request), context_(context), response_(response) {}

  ExitCode Run() {
    grpc::Status status = Explain();
    if (status.ok() && !IsSettled()) {
      const absl::Time end = context_.wait_deadline;
      outbox_call_.set_deadline(absl::ToChronoTime(end));
      status_call_.set_deadline(absl::ToChronoTime(end));
      std::thread lookout([this] { WatchConnection(); });
      status = WatchEntry();
      status_call_.TryCancel();
      lookout.join();
      if (!IsSettled() && credentials_needed_) return kCredentialsNeeded;
      if (!IsSettled() && absl::Now() >= end) return TimedOut();
    }
    if (!status.ok()) {
      return context_.Fail(absl::StrCat("tell whether ", Id(),
                                        " was sent (it is in the outbox)"),
                           status);
    }
    return Report();
  }

 private:
  bool IsSettled() const {
    return response_->outcome() != v1::SEND_OUTCOME_QUEUED;
  }

  grpc::Status WatchEntry() {
    v1::WatchOutboxRequest request;
    request.set_room(request_.room());
    const auto reader =
        context_.client.outbox().WatchOutbox(&outbox_call_, request);
    v1::WatchOutboxResponse batch;
    while (reader->Read(&batch)) {
      grpc::Status status = Take(batch);
      if (!status.ok() || IsSettled()) {
        outbox_call_.TryCancel();
        reader->Finish();
        return status;
      }
    }
    return reader->Finish();
  }

  // Says once of each state that it makes the message wait. Without a status
  // the wait is a silent one.
  void WatchConnection() {
    const auto reader = context_.client.daemon().WatchStatus(
        &status_call_, v1::WatchStatusRequest());
    v1::WatchStatusResponse batch;
    std::set<v1::ConnectionState> told;
    while (!credentials_needed_ && reader->Read(&batch)) {
      for (const v1::DaemonStatus& update : batch.updates()) {
        const v1::ConnectionStatus& connection = update.connection();
        if (told.insert(connection.state()).second) Tell(connection);
      }
    }
    status_call_.TryCancel();
    reader->Finish();
  }

  void Tell(const v1::ConnectionStatus& connection) {
    switch (connection.state()) {
      case v1::CONNECTION_STATE_STOPPED:
        context_.out.Note(
            absl::StrCat("message ", Id(),
                         " waits: the daemon is offline on purpose, until "
                         "'parleyctl connect'"));
        break;
      case v1::CONNECTION_STATE_OFFLINE:
      case v1::CONNECTION_STATE_WAITING:
        context_.out.Note(
            absl::StrCat("message ", Id(), " waits: the connection is ",
                         StateCell(connection.state()).text, ", ",
                         DescribeConnection(context_, connection)));
        break;
      case v1::CONNECTION_STATE_CREDENTIALS_REQUIRED:
        context_.out.Note(absl::StrCat(
            "message ", Id(), " is not sent, but kept in the outbox: ",
            DescribeConnection(context_, connection),
            "; it is sent once the daemon has a token ('parleyctl auth "
            "set-token')"));
        credentials_needed_ = true;
        outbox_call_.TryCancel();
        break;
      default:
        break;
    }
  }

  ExitCode TimedOut() {
    context_.out.Note(absl::StrCat("message ", Id(), " was not sent within ",
                                   absl::FormatDuration(context_.timeout),
                                   "; it stays in the outbox"));
    return kTimedOut;
  }

  ExitCode Report() {
    const std::string message = absl::StrCat("message ", Id());
    switch (response_->outcome()) {
      case v1::SEND_OUTCOME_SENT:
        return kDone;
      case v1::SEND_OUTCOME_FAILED:
        context_.out.Note(absl::StrCat(
            message, " was not sent: ", failure_,
            "; 'parleyctl outbox retry' or 'parleyctl outbox cancel' goes on"));
        return kRefused;
      case v1::SEND_OUTCOME_CANCELLED:
        context_.out.Note(absl::StrCat(message, " was cancelled"));
        return kRefused;
      default:
        context_.out.Note(
            absl::StrCat("it is not known what became of ", message));
        return kRefused;
    }
  }

  grpc::Status Take(const v1::WatchOutboxResponse& batch) {
    if (batch.fresh()) is_in_outbox_ = false;
    for (const v1::OutboxUpdate& update : batch.updates()) {
      if (update.entry().client_message_id() == Id()) {
        is_in_outbox_ = true;
        if (update.entry().state() == v1::OUTBOX_STATE_FAILED) {
          response_->set_outcome(v1::SEND_OUTCOME_FAILED);
          failure_ = DescribeFailure(update.entry());
          return grpc::Status::OK;
        }
      } else if (update.removed().client_message_id() == Id()) {
        return AskAgain();
      }
    }
    // It left before the stream began.
    if (batch.caught_up() && !is_in_outbox_) return AskAgain();
    return grpc::Status::OK;
  }

  // The same send again does nothing, and tells what became of the first one.
  grpc::Status AskAgain() {
    v1::SendMessageResponse answer;
    grpc::Status status =
        Context::CallUntil(absl::Now() + context_.timeout,
                           &v1::MessageService::StubInterface::SendMessage,
                           context_.client.messages(), request_, &answer);
    if (!status.ok()) return status;
    response_->set_outcome(answer.outcome());
    response_->set_message_id(answer.message_id());
    return Explain();
  }

  // Fetches the reason of a failure that is known from an answer.
  grpc::Status Explain() {
    if (response_->outcome() != v1::SEND_OUTCOME_FAILED) {
      return grpc::Status::OK;
    }
    v1::GetOutboxEntryRequest request;
    request.set_client_message_id(Id());
    v1::GetOutboxEntryResponse answer;
    grpc::Status status =
        Context::CallUntil(absl::Now() + context_.timeout,
                           &v1::OutboxService::StubInterface::GetOutboxEntry,
                           context_.client.outbox(), request, &answer);
    if (status.ok()) failure_ = DescribeFailure(answer.entry());
    return status;
  }

  const std::string& Id() const { return request_.client_message_id(); }

  const v1::SendMessageRequest& request_;
  Context& context_;
  v1::SendMessageResponse* const response_;
  std::string failure_;  // why it was parked
  bool is_in_outbox_ = false;
  std::atomic<bool> credentials_needed_{false};
  grpc::ClientContext outbox_call_;
  grpc::ClientContext status_call_;
};

}  // namespace

ExitCode AwaitOutcome(const v1::SendMessageRequest& request, Context& context,
                      v1::SendMessageResponse* response) {
  return OutcomeWait(request, context, response).Run();
}

}  // namespace parley::cli
