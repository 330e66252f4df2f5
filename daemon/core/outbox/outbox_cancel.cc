#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/core/outbox/outbox.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/storage/queries.h"

namespace parley::core {
namespace {

// A cancel waits for an answer that is due; more callers than this are told to
// ask again.
constexpr size_t kMaxWaitingCancels = 16;

}  // namespace

absl::Status Outbox::NoSuchMessage(const model::ClientMessageId& id) {
  return model::MakeError(absl::StatusCode::kNotFound,
                          model::ErrorReason::kNotFound,
                          absl::StrCat("no message with the client message id ",
                                       id.value(), " is known here"));
}

absl::Status Outbox::Cancel(CallId call, const model::ClientMessageId& id,
                            StepContext* context) {
  auto found = context->tables().FindOutboxEntry(id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    auto sent = context->tables().FindSent(id);
    if (!sent.ok()) return sent.status();
    if (!sent->has_value()) {
      context->ReplyTo(call, NoSuchMessage(id));
      return absl::OkStatus();
    }
    CancelReply reply;
    switch ((*sent)->outcome) {
      case model::SentRecord::Outcome::kSent:
        reply.outcome = model::CancelOutcome::kAlreadySent;
        break;
      case model::SentRecord::Outcome::kCancelledAfterSend:
        reply.outcome = model::CancelOutcome::kPossiblySent;
        break;
      default:
        reply.outcome = model::CancelOutcome::kCancelled;
    }
    reply.message_id = (*sent)->message_id;
    context->ReplyTo(call, reply);
    return absl::OkStatus();
  }
  auto queue = QueueOf((*found)->room, context);
  if (!queue.ok()) return queue.status();
  for (InFlight& sent : (*queue)->in_flight) {
    if (sent.entry.client_id != id) continue;
    if (sent.cancels.size() >= kMaxWaitingCancels) {
      context->ReplyTo(
          call, model::MakeError(absl::StatusCode::kResourceExhausted,
                                 model::ErrorReason::kTooManyRequests,
                                 absl::StrCat("message ", id.value(),
                                              " is being cancelled already")));
    } else {
      // Answered with the truth when the server has answered, or cannot any
      // more.
      sent.cancels.push_back(call);
    }
    return absl::OkStatus();
  }
  if (absl::Status status = CancelNow(*queue, **found, {call}, context);
      !status.ok()) {
    return status;
  }
  return Pump(*queue, context);
}

absl::Status Outbox::CancelNow(Queue* queue, const model::OutboxEntry& entry,
                               const std::vector<CallId>& calls,
                               StepContext* context) {
  context->tables().staged()->RequireSync();
  const auto outcome = entry.possibly_sent
                           ? model::SentRecord::Outcome::kCancelledAfterSend
                           : model::SentRecord::Outcome::kCancelled;
  if (absl::Status status = Remove(queue, entry, outcome, {}, context);
      !status.ok()) {
    return status;
  }
  CancelReply reply;
  reply.outcome = entry.possibly_sent ? model::CancelOutcome::kPossiblySent
                                      : model::CancelOutcome::kCancelled;
  for (const CallId call : calls) context->ReplyTo(call, reply);
  outputs_.push_back(EntryCancelled{entry});
  return absl::OkStatus();
}

absl::StatusOr<size_t> Outbox::Discard(size_t limit, StepContext* context) {
  PARLEY_CHECK(in_flight_ == 0);
  const auto page =
      storage::ListOutbox(*context->tables().staged(), {}, "", limit);
  if (!page.ok()) return page.status();
  for (const model::OutboxEntry& entry : page->entries) {
    auto queue = QueueOf(entry.room, context);
    if (!queue.ok()) return queue.status();
    if (absl::Status status = CancelNow(*queue, entry, {}, context);
        !status.ok()) {
      return status;
    }
  }
  return page->entries.size();
}

}  // namespace parley::core
