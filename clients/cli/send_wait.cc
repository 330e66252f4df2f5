#include "clients/cli/send_wait.h"

#include <memory>

#include "absl/time/clock.h"
#include "clients/cli/message_text.h"

namespace parley::cli {
namespace {

// Follows one entry of the outbox until it leaves or is parked.
class OutcomeWait {
 public:
  OutcomeWait(const v1::SendMessageRequest& request, Context& context,
              v1::SendMessageResponse* response, std::string* failure)
      : request_(request),
        context_(context),
        response_(response),
        failure_(failure) {}

  grpc::Status Run() {
    grpc::Status status = Explain();
    if (!status.ok() || IsSettled()) return status;

    v1::WatchOutboxRequest watch;
    watch.set_room(request_.room());
    grpc::ClientContext call;
    const auto reader = context_.client.outbox().WatchOutbox(&call, watch);
    v1::WatchOutboxResponse batch;
    while (reader->Read(&batch)) {
      status = Take(batch);
      if (!status.ok() || IsSettled()) {
        call.TryCancel();
        reader->Finish();
        return status;
      }
    }
    return reader->Finish();
  }

 private:
  bool IsSettled() const {
    return response_->outcome() != v1::SEND_OUTCOME_QUEUED;
  }

  grpc::Status Take(const v1::WatchOutboxResponse& batch) {
    if (batch.fresh()) is_in_outbox_ = false;
    for (const v1::OutboxUpdate& update : batch.updates()) {
      if (update.entry().client_message_id() == Id()) {
        is_in_outbox_ = true;
        if (update.entry().state() == v1::OUTBOX_STATE_FAILED) {
          response_->set_outcome(v1::SEND_OUTCOME_FAILED);
          *failure_ = DescribeFailure(update.entry());
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
    const grpc::Status status =
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
    const grpc::Status status =
        Context::CallUntil(absl::Now() + context_.timeout,
                           &v1::OutboxService::StubInterface::GetOutboxEntry,
                           context_.client.outbox(), request, &answer);
    if (status.ok()) *failure_ = DescribeFailure(answer.entry());
    return status;
  }

  const std::string& Id() const { return request_.client_message_id(); }

  const v1::SendMessageRequest& request_;
  Context& context_;
  v1::SendMessageResponse* const response_;
  std::string* const failure_;
  bool is_in_outbox_ = false;
};

}  // namespace

grpc::Status AwaitOutcome(const v1::SendMessageRequest& request,
                          Context& context, v1::SendMessageResponse* response,
                          std::string* failure) {
  return OutcomeWait(request, context, response, failure).Run();
}

}  // namespace parley::cli
