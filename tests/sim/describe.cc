#include "tests/sim/describe.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "tests/sim/socketio_text.h"

namespace parley::sim {
namespace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string DescribeCommand(const core::Command& command) {
  const std::string head = absl::StrCat("call ", command.call.value(), " ");
  const std::string body = std::visit(
      Overloaded{
          [](const core::SendMessage& send) {
            return absl::StrCat("send(", send.room.value(), ", ",
                                send.client_id.value(), ", \"",
                                send.content.text, "\")");
          },
          [](const core::JoinRoom& join) {
            return absl::StrCat("join(", join.room.value(), ")");
          },
          [](const core::LeaveRoom& leave) {
            return absl::StrCat("leave(", leave.room.value(), ")");
          },
          [](const core::RetryMessage& retry) {
            return absl::StrCat("retry(", retry.client_id.value(), ")");
          },
          [](const core::CancelMessage& cancel) {
            return absl::StrCat("cancel(", cancel.client_id.value(), ")");
          },
          [](const core::FlushOutbox&) { return std::string("flush"); },
          [](const core::Connect&) { return std::string("connect"); },
          [](const core::Disconnect&) { return std::string("disconnect"); },
          [](const core::SetCredentials&) {
            return std::string("set_credentials");
          },
          [](const core::SignOut& sign_out) {
            return absl::StrCat("sign_out",
                                sign_out.discard_outbox ? " discard" : "",
                                sign_out.wipe_cache ? " wipe" : "");
          },
          [](const core::GetStatus&) { return std::string("get_status"); },
          [](const core::StartSync& start) {
            return absl::StrCat("sync(", start.room.value(), ")");
          },
          [](const core::CancelSync&) { return std::string("cancel_sync"); }},
      command.body);
  return head + body;
}

absl::string_view JoinStateName(model::JoinState state) {
  switch (state) {
    case model::JoinState::kPending:
      return "PENDING";
    case model::JoinState::kJoined:
      return "JOINED";
    case model::JoinState::kFailed:
      return "FAILED";
  }
  return "?";
}

absl::string_view DeliveryName(model::DeliveryState state) {
  switch (state) {
    case model::DeliveryState::kPending:
      return "PENDING";
    case model::DeliveryState::kSending:
      return "SENDING";
    case model::DeliveryState::kSent:
      return "SENT";
    case model::DeliveryState::kDelivered:
      return "DELIVERED";
    case model::DeliveryState::kRead:
      return "READ";
    case model::DeliveryState::kFailed:
      return "FAILED";
  }
  return "?";
}

std::string DescribeRoom(const model::Room& room) {
  return absl::StrCat(
      "room ", room.room.value(),
      room.membership == model::Membership::kLeaving ? " leaving" : "", " ",
      JoinStateName(room.join_state),
      room.last_error.empty() ? "" : absl::StrCat(" (", room.last_error, ")"));
}

std::string DescribeReplyBody(const core::ReplyBody& body) {
  return std::visit(
      Overloaded{
          [](const core::MessageAccepted& accepted) {
            return absl::StrCat(
                "accepted ", accepted.client_id.value(),
                accepted.repeated ? " again" : "", " ",
                OutcomeName(accepted.outcome),
                accepted.message_id.empty()
                    ? ""
                    : absl::StrCat(" as ", accepted.message_id.value()));
          },
          [](const core::RoomReply& reply) { return DescribeRoom(reply.room); },
          [](const core::CancelReply& reply) {
            return absl::StrCat(
                OutcomeName(reply.outcome),
                reply.message_id.empty()
                    ? ""
                    : absl::StrCat(" as ", reply.message_id.value()));
          },
          [](const core::FlushReply& reply) {
            return absl::StrCat("flushing ", reply.queued);
          },
          [](const core::StatusReply& reply) { return Describe(reply.status); },
          [](const core::SignOutReply& reply) {
            return absl::StrCat("signed out, discarded ", reply.discarded);
          },
          [](const core::SyncReply& reply) { return Describe(reply.status); },
          [](const core::Done&) { return std::string("done"); }},
      body);
}

std::string SendArguments(const nlohmann::json& payload) {
  const nlohmann::json& metadata = Member(payload, "metadata");
  const std::string metadata_text =
      metadata.is_null() ? "" : absl::StrCat(", metadata=", metadata.dump());
  const std::string after = TextMember(payload, "after");
  return absl::StrCat("(", TextMember(payload, "roomName"), ", ",
                      TextMember(payload, "clientMessageId"), ", \"",
                      TextMember(payload, "content"), "\"",
                      after.empty() ? "" : absl::StrCat(", after=", after),
                      metadata_text, ")");
}

}  // namespace

absl::string_view OutboxStateName(model::OutboxState state) {
  switch (state) {
    case model::OutboxState::kPending:
      return "PENDING";
    case model::OutboxState::kSending:
      return "SENDING";
    case model::OutboxState::kAmbiguous:
      return "AMBIGUOUS";
    case model::OutboxState::kFailed:
      return "FAILED";
  }
  return "?";
}

absl::string_view FailureName(model::FailureReason reason) {
  switch (reason) {
    case model::FailureReason::kNone:
      return "none";
    case model::FailureReason::kRefused:
      return "refused";
    case model::FailureReason::kTooManyFailures:
      return "too_many_failures";
    case model::FailureReason::kPoison:
      return "poison";
    case model::FailureReason::kExpired:
      return "expired";
    case model::FailureReason::kTooLarge:
      return "too_large";
    case model::FailureReason::kHeld:
      return "held";
  }
  return "?";
}

absl::string_view OutcomeName(model::SentRecord::Outcome outcome) {
  switch (outcome) {
    case model::SentRecord::Outcome::kQueued:
      return "queued";
    case model::SentRecord::Outcome::kFailed:
      return "failed";
    case model::SentRecord::Outcome::kSent:
      return "sent";
    case model::SentRecord::Outcome::kCancelled:
      return "cancelled";
    case model::SentRecord::Outcome::kCancelledAfterSend:
      return "cancelled_after_send";
  }
  return "?";
}

absl::string_view OutcomeName(model::CancelOutcome outcome) {
  switch (outcome) {
    case model::CancelOutcome::kCancelled:
      return "cancelled";
    case model::CancelOutcome::kAlreadySent:
      return "already_sent";
    case model::CancelOutcome::kPossiblySent:
      return "possibly_sent";
  }
  return "?";
}

std::string DescribeFrame(absl::string_view text) {
  const Frame frame = ParseFrame(text);
  switch (frame.kind) {
    case Frame::Kind::kOpen:
      return "OPEN";
    case Frame::Kind::kEngineClose:
      return "CLOSE";
    case Frame::Kind::kPing:
      return "PING";
    case Frame::Kind::kPong:
      return "PONG";
    case Frame::Kind::kConnect:
      return "CONNECT";
    case Frame::Kind::kDisconnect:
      return "DISCONNECT";
    case Frame::Kind::kConnectRefused:
      return absl::StrCat("REFUSED ", frame.data.dump());
    case Frame::Kind::kAck:
      return absl::StrCat("answer ", *frame.ack_id, " ",
                          frame.payload().dump());
    case Frame::Kind::kGarbage:
      return absl::StrCat("garbage of ", text.size(), " bytes");
    case Frame::Kind::kEvent:
      break;
  }
  if (frame.event() == "message:send") {
    return absl::StrCat("message:send", SendArguments(frame.payload()));
  }
  if (frame.event() == "room:join" || frame.event() == "room:leave") {
    return absl::StrCat(frame.event(), "(",
                        TextMember(frame.payload(), "roomName"), ")");
  }
  if (frame.event() == "sync:messages") {
    return absl::StrCat("sync:messages(",
                        TextMember(frame.payload(), "roomName"), ", ",
                        TextMember(frame.payload(), "cursor"), ")");
  }
  return absl::StrCat(frame.event(), " ", frame.payload().dump());
}

std::string Describe(const core::Event& event) {
  return std::visit(
      Overloaded{
          [](const core::Started&) { return std::string("started"); },
          [](const core::Command& command) { return DescribeCommand(command); },
          [](const core::TransportOpened& opened) {
            return absl::StrCat("opened ", opened.connection.value());
          },
          [](const core::TextReceived& text) {
            return absl::StrCat("text ", text.connection.value(), " ",
                                DescribeFrame(text.text));
          },
          [](const core::BinaryReceived& binary) {
            return absl::StrCat("binary ", binary.connection.value(), " of ",
                                binary.bytes, " bytes");
          },
          [](const core::TransportClosed& closed) {
            return absl::StrCat("closed ", closed.connection.value(), " ",
                                closed.reason, " (", closed.close_code, ")");
          },
          [](const core::CredentialsFetched& fetched) {
            return absl::StrCat(
                "credentials ", fetched.fetch.value(),
                fetched.token.ok() ? " fetched" : " not fetched");
          },
          [](const core::TimerFired& fired) {
            return absl::StrCat("timer ", core::DescribeTimer(fired.timer));
          },
          [](const core::NetworkChanged& changed) {
            return std::string(changed.online ? "network" : "no network");
          },
          [](const core::SystemResumed&) { return std::string("resumed"); }},
      event);
}

std::string Describe(const absl::StatusOr<core::ReplyBody>& result) {
  if (result.ok()) return absl::StrCat("OK ", DescribeReplyBody(*result));
  return absl::StrCat(
      absl::StatusCodeToString(result.status().code()), " ",
      model::ErrorReasonName(model::ErrorReasonOf(result.status())));
}

std::string Describe(const model::SyncStatus& status) {
  std::string text =
      absl::StrCat("sync ", model::SyncPhaseName(status.phase), " ",
                   model::SyncTriggerName(status.trigger), " ", status.progress,
                   "% rooms=", status.rooms_done, "/", status.rooms,
                   " messages=", status.messages);
  if (status.rooms_failed > 0) {
    absl::StrAppend(&text, " failed=", status.rooms_failed);
  }
  if (status.rooms_restarted > 0) {
    absl::StrAppend(&text, " restarted=", status.rooms_restarted);
  }
  return text;
}

std::string Describe(const model::CoreStatus& status) {
  return absl::StrCat(
      "status ", model::ConnectionStateName(status.connection.state),
      " queued=", status.outbox.queued, " failed=", status.outbox.failed,
      " rooms=", status.rooms.joined, "/", status.rooms.rooms,
      status.connection.last_error_code.empty()
          ? ""
          : absl::StrCat(" error=", status.connection.last_error_code));
}

std::string Describe(const core::EffectBody& effect, base::MonotonicTime now) {
  return std::visit(
      Overloaded{
          [](const core::Reply& reply) {
            return absl::StrCat("reply ", reply.call.value(), " ",
                                Describe(reply.result));
          },
          [](const core::OpenConnection& open) {
            return absl::StrCat("open ", open.connection.value());
          },
          [](const core::SendFrame& frame) {
            return absl::StrCat("frame ", frame.connection.value(), " ",
                                DescribeFrame(frame.text));
          },
          [](const core::CloseConnection& close) {
            return absl::StrCat("close ", close.connection.value());
          },
          [](const core::FetchCredentials& fetch) {
            return absl::StrCat("fetch ", fetch.fetch.value());
          },
          [](const core::KeepCredentials& keep) {
            return std::string(keep.token.empty() ? "forget credentials"
                                                  : "keep credentials");
          },
          [now](const core::SetTimer& set) {
            return absl::StrCat("timer ", core::DescribeTimer(set.timer),
                                " in ", absl::FormatDuration(set.at - now));
          },
          [](const core::CancelTimer& cancel) {
            return absl::StrCat("no timer ", core::DescribeTimer(cancel.timer));
          },
          [](const core::FeedAdvanced& feed) {
            return absl::StrCat("feed ", feed.last.value());
          },
          [](const core::StatusChanged& changed) {
            return Describe(changed.status);
          },
          [](const core::EngineRebuilt&) { return std::string("rebuilt"); },
          [](const core::Log& log) { return absl::StrCat("log ", log.text); }},
      effect);
}

std::string Describe(const model::OutboxEntry& entry) {
  return absl::StrCat(
      entry.client_id.value(), " ", OutboxStateName(entry.state),
      entry.failure == model::FailureReason::kNone
          ? ""
          : absl::StrCat(" (", FailureName(entry.failure), ")"),
      entry.possibly_sent ? " possibly_sent" : "",
      entry.possible_duplicate ? " possible_duplicate" : "",
      " sends=", entry.sends, " failures=", entry.answered_failures,
      entry.last_error_code.empty()
          ? ""
          : absl::StrCat(" error=", entry.last_error_code));
}

std::string ChangeKey(const model::Change& change) {
  // An own message has its client id from the first, its server id later.
  const auto message_key = [](const model::ClientMessageId& client_id,
                              const model::MessageId& id) {
    return client_id.empty() ? absl::StrCat("message ", id.value())
                             : absl::StrCat("message ~", client_id.value());
  };
  return std::visit(
      Overloaded{
          [&message_key](const model::MessageView& view) {
            return message_key(view.message.client_id, view.message.id);
          },
          [](const model::OutboxEntry& entry) {
            return absl::StrCat("outbox ", entry.client_id.value());
          },
          [](const model::Room& room) {
            return absl::StrCat("room ", room.room.value());
          },
          [](const model::Delivery& delivery) {
            return absl::StrCat("delivery ", delivery.client_id.value());
          },
          [&message_key](const model::Tombstone& tombstone) {
            switch (tombstone.kind) {
              case model::ObjectKind::kMessage:
                return message_key(tombstone.client_id, tombstone.message_id);
              case model::ObjectKind::kOutboxEntry:
                return absl::StrCat("outbox ", tombstone.client_id.value());
              case model::ObjectKind::kRoom:
                return absl::StrCat("room ", tombstone.room.value());
              case model::ObjectKind::kDelivery:
                return absl::StrCat("delivery ", tombstone.client_id.value());
            }
            return std::string("?");
          }},
      change.object);
}

std::string ChangeValue(const model::Change& change) {
  return std::visit(
      Overloaded{
          [](const model::MessageView& view) {
            // Its delivery is an object of its own in the feed.
            return absl::StrCat(view.message.room.value(), " ",
                                view.message.sender.value(), " ",
                                view.message.id.value(), " \"",
                                view.message.content.text, "\"");
          },
          [](const model::OutboxEntry& entry) { return Describe(entry); },
          [](const model::Room& room) { return DescribeRoom(room); },
          [](const model::Delivery& delivery) {
            return absl::StrCat(DeliveryName(delivery.state), " ",
                                delivery.message_id.value());
          },
          [](const model::Tombstone&) { return std::string("gone"); }},
      change.object);
}

}  // namespace parley::sim
