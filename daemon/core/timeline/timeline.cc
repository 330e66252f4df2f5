#include "daemon/core/timeline/timeline.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace parley::core {
namespace {

model::DeliveryState DeliveryOf(model::OutboxState state) {
  switch (state) {
    case model::OutboxState::kPending:
      return model::DeliveryState::kPending;
    case model::OutboxState::kSending:
    case model::OutboxState::kAmbiguous:
      return model::DeliveryState::kSending;
    case model::OutboxState::kFailed:
      return model::DeliveryState::kFailed;
  }
  return model::DeliveryState::kPending;
}

// A sender never sees a step back: a refused attempt leaves a message SENDING
// until it is sent or FAILED, and only a retry leaves FAILED.
bool Advances(model::DeliveryState from, model::DeliveryState to,
              bool retried) {
  if (from == model::DeliveryState::kFailed) {
    return retried || to == model::DeliveryState::kSent;
  }
  if (to == model::DeliveryState::kFailed) {
    return from < model::DeliveryState::kSent;
  }
  return from < to;
}

}  // namespace

absl::Status Timeline::OnEntryAccepted(const model::OutboxEntry& entry,
                                       const model::UserId& user,
                                       StepContext* context) {
  auto known = FindOwn(entry, user, context);
  if (!known.ok()) return known.status();
  model::Message message;
  if (known->has_value()) {
    message = **std::move(known);
  } else {
    message.room = entry.room;
    message.client_id = entry.client_id;
    message.sender = user;
    message.content = entry.content;
    message.sent_at = entry.accepted_at;
  }
  if (absl::Status status = context->tables().PutMessage(&message, entry.seq);
      !status.ok()) {
    return status;
  }
  return SetDelivery(entry, model::DeliveryState::kPending, {}, context);
}

absl::Status Timeline::OnEntryChanged(const model::OutboxEntry& entry,
                                      StepContext* context) {
  return SetDelivery(entry, DeliveryOf(entry.state), {}, context);
}

absl::Status Timeline::OnEntrySent(const model::OutboxEntry& entry,
                                   const wire::SendResult& result,
                                   const model::UserId& user,
                                   const model::ServerCapabilities& server,
                                   StepContext* context) {
  auto known = FindOwn(entry, user, context);
  if (!known.ok()) return known.status();
  if (known->has_value()) {
    model::Message message = **std::move(known);
    if (!user.empty() && message.sender != user) {
      // Accepted before it was known who the account is: under its sender's
      // name it is another row.
      if (absl::Status status = context->tables().RemoveMessage(message);
          !status.ok()) {
        return status;
      }
      message.sender = user;
    }
    message.id =
        result.id.empty()
            ? model::MessageId(absl::StrCat(model::kLocalMessageIdPrefix,
                                            entry.client_id.value()))
            : result.id;
    message.room_seq = result.room_seq;
    message.history_era = server.history_era;
    if (result.sent_at.has_value()) message.sent_at = *result.sent_at;
    message.possible_duplicate = entry.possible_duplicate;
    if (absl::Status status =
            context->tables().PutMessage(&message, std::nullopt);
        !status.ok()) {
      return status;
    }
    auto kept = context->tables().FindMessage(message.id);
    if (!kept.ok()) return kept.status();
    if (kept->has_value()) {
      return SetDelivery(entry, model::DeliveryState::kSent, message.id,
                         context);
    }
  }
  // Its message was evicted; a delivery without one would never go.
  return context->tables().RemoveDelivery(entry.client_id);
}

absl::Status Timeline::OnEntryCancelled(const model::OutboxEntry& entry,
                                        const model::UserId& user,
                                        StepContext* context) {
  auto known = FindOwn(entry, user, context);
  if (!known.ok()) return known.status();
  if (known->has_value()) {
    if (absl::Status status = context->tables().RemoveMessage(**known);
        !status.ok()) {
      return status;
    }
  }
  return context->tables().RemoveDelivery(entry.client_id);
}

absl::StatusOr<size_t> Timeline::Wipe(size_t limit, StepContext* context) {
  context->tables().staged()->RequireSync();
  return context->tables().EvictMessages(limit);
}

absl::StatusOr<model::MessageId> Timeline::NameLocally(
    const model::Message& message, const std::optional<model::Message>& known,
    StepContext* context) const {
  if (known.has_value() && !known->id.empty()) return known->id;
  // Ours, or perhaps ours: the answer to the send will give the same name.
  if (!message.client_id.empty() &&
      (known.has_value() || message.sender.empty())) {
    model::MessageId id(
        absl::StrCat(model::kLocalMessageIdPrefix, message.client_id.value()));
    auto other = context->tables().FindMessage(id);
    if (!other.ok()) return other.status();
    if (!other->has_value() || ((*other)->room == message.room &&
                                (*other)->content == message.content)) {
      return id;
    }
  }
  // Two people may use the same client id.
  return model::MessageId(absl::StrCat(
      model::kLocalMessageIdPrefix,
      model::MakeClientMessageId(context->wall(), context->rng()).value()));
}

absl::Status Timeline::OnReceived(model::Message message, Source source,
                                  const model::ServerCapabilities& server,
                                  StepContext* context) {
  std::optional<model::Message> known;
  if (!message.client_id.empty() && !message.sender.empty()) {
    auto found =
        context->tables().FindMessage(message.sender, message.client_id);
    if (!found.ok()) return found.status();
    known = *std::move(found);
  }
  if (known.has_value() && known->id.empty() &&
      (known->room != message.room || !(known->content == message.content))) {
    // Another device of the account used the same client id for another
    // message. Ours keeps it: the server will say what becomes of it.
    message.client_id = model::ClientMessageId();
    known.reset();
  }
  if (!known.has_value() && !message.id.empty()) {
    auto found = context->tables().FindMessage(message.id);
    if (!found.ok()) return found.status();
    known = *std::move(found);
  }
  if (message.id.empty()) {
    auto id = NameLocally(message, known, context);
    if (!id.ok()) return id.status();
    message.id = *std::move(id);
  }
  message.history_era = server.history_era;
  if (known.has_value()) {
    message.change_seq = known->change_seq;
    // Told again: its place stays the one that it was first told.
    if (!known->id.empty() && known->history_era != server.history_era) {
      message.history_era = known->history_era;
      message.room_seq = known->room_seq;
    }
    if (message == *known) return absl::OkStatus();
  } else if (source == Source::kHistory) {
    auto evicted = context->tables().WouldBeEvicted(message);
    if (!evicted.ok()) return evicted.status();
    if (*evicted) return absl::OkStatus();
  }
  // A server without history cannot tell again.
  if (!server.history) context->tables().staged()->RequireSync();
  return context->tables().PutMessage(&message, std::nullopt);
}

absl::Status Timeline::OnDeleted(const model::Message& message,
                                 StepContext* context) {
  auto known = context->tables().FindMessage(message.id);
  if (!known.ok()) return known.status();
  if (!known->has_value()) return absl::OkStatus();
  return context->tables().RemoveMessage(**known);
}

absl::StatusOr<std::optional<model::Message>> Timeline::FindOwn(
    const model::OutboxEntry& entry, const model::UserId& user,
    StepContext* context) const {
  auto found = context->tables().FindMessage(user, entry.client_id);
  if (!found.ok() || found->has_value() || user.empty()) return found;
  // Accepted before it was known who the account is.
  return context->tables().FindMessage(model::UserId(), entry.client_id);
}

absl::Status Timeline::SetDelivery(const model::OutboxEntry& entry,
                                   model::DeliveryState state,
                                   const model::MessageId& message_id,
                                   StepContext* context) {
  auto found = context->tables().FindDelivery(entry.client_id);
  if (!found.ok()) return found.status();
  model::Delivery delivery;
  if (found->has_value()) {
    delivery = **std::move(found);
    const bool retried = state == model::DeliveryState::kPending;
    if (!Advances(delivery.state, state, retried)) return absl::OkStatus();
  }
  delivery.client_id = entry.client_id;
  delivery.room = entry.room;
  delivery.message_id = message_id;
  delivery.state = state;
  delivery.updated_at = context->wall();
  return context->tables().PutDelivery(&delivery);
}

}  // namespace parley::core
