// What clients ask and are told, and what the connection carries. The disk is
// judged in auditor_disk.cc.
#include "tests/sim/auditor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "tests/sim/describe.h"

namespace parley::sim {
namespace {

// A send that is not answered is given up, and all others of its room with it,
// ten seconds after it was decided on; slow commits may go by before it leaves.
constexpr absl::Duration kGivenUpFrom = absl::Seconds(8);
constexpr absl::Duration kGivenUpBy = absl::Seconds(10);
constexpr absl::Duration kForgotten = absl::Seconds(30);

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Auditor::Auditor(const Options& options, const Scheduler* scheduler,
                 const storage::StoreReader* committed,
                 const storage::StoreReader* synced, const ServerTruth* truth,
                 Verdict* verdict, Probes* probes)
    : options_(options),
      scheduler_(scheduler),
      committed_(committed),
      synced_(synced),
      truth_(truth),
      verdict_(verdict),
      probes_(probes) {}

Auditor::Send* Auditor::FindByText(const std::string& text) {
  const auto found = sends_.find(text);
  return found == sends_.end() ? nullptr : &found->second;
}

Auditor::Send* Auditor::FindById(const std::string& client_id) {
  const auto found = text_of_.find(client_id);
  return found == text_of_.end() ? nullptr : FindByText(found->second);
}

void Auditor::Learn(Send* message, const std::string& client_id) {
  if (!message->client_id.empty() && message->client_id != client_id) {
    verdict_->Fail("\"", message->text, "\" has two ids: ", message->client_id,
                   " and ", client_id);
  }
  message->client_id = client_id;
  const auto [known, added] = text_of_.emplace(client_id, message->text);
  if (!added && known->second != message->text) {
    verdict_->Fail("two messages were accepted under the id ", client_id,
                   ": \"", known->second, "\" and \"", message->text, "\"");
  }
}

std::vector<Auditor::Send*> Auditor::FindWanting(const std::string& client_id) {
  std::set<std::string> texts = texts_wanting_[client_id];
  const auto known = text_of_.find(client_id);
  if (known != text_of_.end()) texts.insert(known->second);
  std::vector<Send*> found;
  for (const std::string& text : texts) found.push_back(FindByText(text));
  return found;
}

std::vector<std::string> Auditor::AcceptedIds() const {
  std::vector<std::string> ids;
  for (const auto& [text, message] : sends_) {
    if (message.accepted) ids.push_back(message.client_id);
  }
  return ids;
}

// --- Clients -----------------------------------------------------------------

void Auditor::OnCommand(const core::Command& command) {
  ++order_;
  calls_[command.call] = {command.body, order_};
  if (const auto* send = std::get_if<core::SendMessage>(&command.body)) {
    Send& message = sends_[send->content.text];
    message.text = send->content.text;
    message.room = send->room.value();
    message.posts.push_back({command.call, order_, life_});
    if (!send->client_id.empty()) {
      texts_wanting_[send->client_id.value()].insert(message.text);
    }
  } else if (const auto* join = std::get_if<core::JoinRoom>(&command.body)) {
    last_room_wish_[join->room.value()] = order_;
  } else if (const auto* leave = std::get_if<core::LeaveRoom>(&command.body)) {
    last_room_wish_[leave->room.value()] = order_;
  } else if (const auto* retry =
                 std::get_if<core::RetryMessage>(&command.body)) {
    for (Send* message : FindWanting(retry->client_id.value())) {
      message->retries.push_back(order_);
    }
  } else if (const auto* cancel =
                 std::get_if<core::CancelMessage>(&command.body)) {
    for (Send* message : FindWanting(cancel->client_id.value())) {
      message->cancel_asked = true;
    }
  } else if (std::holds_alternative<core::Connect>(command.body) ||
             std::holds_alternative<core::Disconnect>(command.body) ||
             std::holds_alternative<core::SetCredentials>(command.body)) {
    last_stop_wish_ = order_;
  } else if (const auto* sign_out = std::get_if<core::SignOut>(&command.body)) {
    last_stop_wish_ = order_;
    for (auto& [text, message] : sends_) {
      if (sign_out->discard_outbox) message.cancel_asked = true;
    }
  }
}

void Auditor::OnReply(const core::Reply& reply) {
  const auto found = calls_.find(reply.call);
  if (found == calls_.end()) {
    verdict_->Fail("call ", reply.call.value(),
                   " is answered, but it is not waiting");
    return;
  }
  const Call call = std::move(found->second);
  calls_.erase(found);
  const uint64_t order = call.order;
  std::visit(
      Overloaded{
          [&](const core::SendMessage& send) { OnSendReply(send, reply); },
          [&](const core::JoinRoom& join) {
            OnRoomReply(join.room, /*joined=*/true, order, reply);
          },
          [&](const core::LeaveRoom& leave) {
            OnRoomReply(leave.room, /*joined=*/false, order, reply);
          },
          [&](const core::RetryMessage& retry) {
            OnRetryReply(retry.client_id.value(), order, reply);
          },
          [&](const core::CancelMessage& cancel) {
            OnCancelReply(cancel.client_id.value(), reply);
          },
          [&](const core::FlushOutbox&) {},
          [&](const core::Connect&) { OnStopReply(false, order, reply); },
          [&](const core::Disconnect&) { OnStopReply(true, order, reply); },
          [&](const core::SetCredentials&) {},
          [&](const core::SignOut&) {
            probes_->Hit("client.signed_out");
            OnStopReply(true, order, reply);
          },
          [&](const core::StartSync&) {}, [&](const core::CancelSync&) {},
          [&](const core::GetStatus&) {
            if (!reply.result.ok()) return;
            CheckStatus(std::get<core::StatusReply>(*reply.result).status);
          }},
      call.body);
}

void Auditor::OnSendReply(const core::SendMessage& send,
                          const core::Reply& reply) {
  Send* const message = FindByText(send.content.text);
  if (!reply.result.ok()) {
    OnSendRefused(send, message, reply.result.status());
    for (Post& post : message->posts) {
      if (post.call == reply.call) post.refused = true;
    }
    return;
  }
  const auto& accepted = std::get<core::MessageAccepted>(*reply.result);
  if (!send.client_id.empty() && accepted.client_id != send.client_id) {
    verdict_->Fail("sent as ", send.client_id.value(), ", accepted as ",
                   accepted.client_id.value());
  }
  Learn(message, accepted.client_id.value());
  OnAccepted(accepted, message, reply);
}

void Auditor::OnAccepted(const core::MessageAccepted& accepted, Send* message,
                         const core::Reply& reply) {
  const std::string& id = accepted.client_id.value();
  if (accepted.repeated) probes_->Hit("client.repeated");
  if (message->accepted && message->accepted_life == life_ &&
      !accepted.repeated) {
    verdict_->Fail(id, " is accepted a second time, as if it were new");
  }
  message->accepted = true;
  message->accepted_life = life_;
  // Told, hence on the disk: the promise would survive a power cut now.
  const auto record = storage::GetSentRecord(*synced_, accepted.client_id);
  if (!record.ok() || !record->has_value()) {
    verdict_->Fail(id, " is accepted, but a power cut would forget it");
    return;
  }
  using Outcome = model::SentRecord::Outcome;
  switch (accepted.outcome) {
    case Outcome::kQueued:
    case Outcome::kFailed:
      break;
    case Outcome::kSent:
      if (!truth_->EverHad(options_.user, message->text)) {
        verdict_->Fail(id, " is said to be sent, but the server never had it");
      }
      break;
    case Outcome::kCancelled:
    case Outcome::kCancelledAfterSend:
      if (!message->cancel_asked) {
        verdict_->Fail(id, " is said to be cancelled, which nobody asked for");
      }
      break;
  }
}

void Auditor::OnSendRefused(const core::SendMessage& send, Send* message,
                            const absl::Status& status) {
  const model::ErrorReason reason = model::ErrorReasonOf(status);
  probes_->Hit(absl::StrCat("client.", model::ErrorReasonName(reason)));
  if (reason == model::ErrorReason::kIdempotencyMismatch) {
    if (texts_wanting_[send.client_id.value()].size() < 2) {
      verdict_->Fail(send.client_id.value(),
                     " is refused as a mismatch, but was used only once");
    }
    return;
  }
  if (message->accepted && message->accepted_life == life_ &&
      reason != model::ErrorReason::kStoreFailed &&
      reason != model::ErrorReason::kStoreFull) {
    verdict_->Fail(send.client_id.value(),
                   " was accepted, and is refused now: ", status.ToString());
  }
}

void Auditor::OnCancelReply(const std::string& client_id,
                            const core::Reply& reply) {
  Send* const message = FindById(client_id);
  if (!reply.result.ok()) {
    if (absl::IsNotFound(reply.result.status()) && message != nullptr &&
        message->accepted) {
      verdict_->Fail("cancel: ", client_id, " was accepted, but is not found");
    }
    return;
  }
  const auto& cancelled = std::get<core::CancelReply>(*reply.result);
  probes_->Hit(absl::StrCat("cancel.", OutcomeName(cancelled.outcome)));
  if (message == nullptr) {
    verdict_->Fail("cancel: nobody has sent ", client_id);
    return;
  }
  const bool at_server = truth_->EverHad(options_.user, message->text);
  switch (cancelled.outcome) {
    case model::CancelOutcome::kCancelled:
      if (at_server) {
        verdict_->Fail(client_id,
                       " is said to be cancelled; the server has it");
      }
      break;
    case model::CancelOutcome::kAlreadySent:
      if (!at_server) {
        verdict_->Fail(client_id, " is said to be sent; the server has it not");
      }
      return;
    case model::CancelOutcome::kPossiblySent:
      if (!message->attempted) {
        verdict_->Fail(client_id, " is said to be possibly sent; it never was");
      }
      break;
  }
  message->cancelled = cancelled.outcome;
  if (Entry(*synced_, client_id).has_value()) {
    verdict_->Fail(client_id, " is cancelled, but a power cut brings it back");
  }
}

void Auditor::OnRetryReply(const std::string& client_id, uint64_t order,
                           const core::Reply& reply) {
  // One that has moved nothing by now will not do so later.
  for (Send* message : FindWanting(client_id)) {
    auto& retries = message->retries;
    retries.erase(std::remove(retries.begin(), retries.end(), order),
                  retries.end());
  }
  Send* const message = FindById(client_id);
  if (!reply.result.ok() || message == nullptr) return;
  const bool kept = Entry(*synced_, client_id).has_value() ||
                    truth_->EverHad(options_.user, message->text) ||
                    message->cancel_asked;
  if (!kept) verdict_->Fail("retry: ", client_id, " is nowhere");
}

void Auditor::OnRoomReply(const model::RoomId& room, bool joined,
                          uint64_t order, const core::Reply& reply) {
  if (!reply.result.ok()) return;
  // A later wish may be on the disk already, in the same commit.
  if (last_room_wish_[room.value()] != order) return;
  const auto stored = storage::GetRoom(*synced_, room);
  const bool is_joined = stored.ok() && stored->has_value() &&
                         (*stored)->membership == model::Membership::kJoined;
  if (is_joined != joined) {
    verdict_->Fail(joined ? "join" : "leave", " of ", room.value(),
                   " is done, but a power cut would undo it");
  }
}

void Auditor::OnStopReply(bool stopped, uint64_t order,
                          const core::Reply& reply) {
  if (!reply.result.ok() || order != last_stop_wish_) return;
  storage::StagedStore staged(synced_);
  const auto tables = storage::Tables::Open(&staged);
  const auto stored = tables.ok()
                          ? tables->StoppedOnPurpose()
                          : absl::StatusOr<model::OnPurpose>(tables.status());
  if (!stored.ok() || (*stored != model::OnPurpose::kOnline) != stopped) {
    verdict_->Fail(stopped ? "disconnect" : "connect",
                   " is done, but a power cut would undo it");
  }
}

void Auditor::CheckStatus(const model::CoreStatus& status) {
  if (status.outbox.queued + status.outbox.failed > options_.max_entries ||
      status.outbox.bytes > options_.max_bytes) {
    verdict_->Fail("the outbox is over its limit: ",
                   status.outbox.queued + status.outbox.failed, " entries, ",
                   status.outbox.bytes, " bytes");
  }
}

// --- The connection ----------------------------------------------------------

void Auditor::OnOpen(core::ConnectionId connection, LinkId link) {
  if (connection_ != core::ConnectionId()) {
    verdict_->Fail("connection ", connection.value(), " is opened while ",
                   connection_.value(), " is open");
  }
  connection_ = connection;
  link_ = link;
  ready_ = false;
  in_flight_.clear();
  told_.clear();
}

void Auditor::OnConnectionOver(core::ConnectionId connection) {
  if (connection == connection_) connection_ = core::ConnectionId();
}

void Auditor::OnText(const core::TextReceived& text) {
  if (text.connection != connection_) return;
  const Frame frame = ParseFrame(text.text);
  if (frame.event() == "connected") ready_ = true;
  std::set<std::string> said;
  if (frame.event() == "message:new") {
    said.insert(TextMember(frame.payload(), "content"));
  }
  // A page of history tells of messages too.
  const nlohmann::json& page =
      Member(Member(frame.payload(), "data"), "messages");
  if (frame.kind == Frame::Kind::kAck && page.is_array()) {
    for (const nlohmann::json& message : page) {
      said.insert(TextMember(message, "content"));
    }
  }
  told_.insert(said.begin(), said.end());
  for (auto& [room, sends] : in_flight_) {
    sends.erase(std::remove_if(sends.begin(), sends.end(),
                               [&frame, &said](const InFlight& send) {
                                 return said.count(send.text) > 0 ||
                                        (frame.kind == Frame::Kind::kAck &&
                                         send.ack_id == *frame.ack_id);
                               }),
                sends.end());
  }
}

void Auditor::OnFrame(const core::SendFrame& sent) {
  const Frame frame = ParseFrame(sent.text);
  Send* const message = FindByText(TextMember(frame.payload(), "content"));
  if (message != nullptr) message->attempted = true;
  // The connection may have ended while the frame waited for its commit.
  if (sent.connection != connection_) return;
  const bool always = frame.kind == Frame::Kind::kConnect ||
                      frame.kind == Frame::Kind::kPong ||
                      frame.kind == Frame::Kind::kDisconnect;
  if (!always && !ready_) {
    verdict_->Fail("before the ready event leaves ", DescribeFrame(sent.text));
  }
  if (frame.kind == Frame::Kind::kGarbage) {
    verdict_->Fail("the device sends garbage: ", sent.text);
  }
  if (frame.event() == "message:send") OnSendFrame(sent, frame);
  if (frame.event() == "sync:messages") {
    probes_->Hit(TextMember(frame.payload(), "cursor").empty()
                     ? "sync.from_the_start"
                     : "sync.from_a_cursor");
  }
}

void Auditor::OnSendFrame(const core::SendFrame& sent, const Frame& frame) {
  const nlohmann::json& payload = frame.payload();
  Send* const message = FindByText(TextMember(payload, "content"));
  const std::string id = TextMember(payload, "clientMessageId");
  if (message == nullptr) {
    verdict_->Fail("nobody has sent what leaves: ", DescribeFrame(sent.text));
    return;
  }
  if (message->room != TextMember(payload, "roomName")) {
    verdict_->Fail(id, " leaves for another room than it was sent to");
  }
  // The commit that the frame waited for may hold what came after it, too: an
  // echo of an earlier attempt, and the entry is gone.
  const auto entry = Entry(*synced_, id);
  const bool had = truth_->EverHad(options_.user, message->text);
  if (!entry.has_value() && !had) {
    verdict_->Fail(id, " leaves, but a power cut would forget it");
    return;
  }
  if (entry.has_value() && entry->state != model::OutboxState::kSending &&
      !entry->possibly_sent) {
    verdict_->Fail(id, " leaves, but a power cut would forget the attempt");
  }
  if (message->cancelled.has_value()) {
    verdict_->Fail(id, " leaves after it was cancelled");
  }
  if (!message->frames.empty()) {
    message->sent_again = true;
    probes_->Hit("device.sent_again");
  }
  message->frames[link_] = message->seq;
  const nlohmann::json& marks = Member(Member(payload, "metadata"), "parley");
  if (Member(marks, "possibleDuplicate") == true) ++message->flagged_frames;
  // An echo that came while the frame waited for its commit is its answer.
  if (told_.count(message->text) > 0) return;
  std::vector<InFlight>& in_flight = in_flight_[message->room];
  // One that leaves again was given up, and all of its room with it.
  if (std::any_of(in_flight.begin(), in_flight.end(),
                  [message](const InFlight& send) {
                    return send.text == message->text;
                  })) {
    in_flight.clear();
  }
  in_flight.push_back(
      {frame.ack_id.value_or(0), message->text, scheduler_->now()});
  CheckWindow(message->room);
}

size_t Auditor::SurelyAwaited(std::vector<InFlight>* sends) const {
  const base::MonotonicTime now = scheduler_->now();
  sends->erase(std::remove_if(sends->begin(), sends->end(),
                              [now](const InFlight& send) {
                                return now - send.at > kForgotten;
                              }),
               sends->end());
  size_t awaited = 0;
  for (const InFlight& send : *sends) {
    // Was one given up that was on its way together with it?
    const bool perhaps_given_up = std::any_of(
        sends->begin(), sends->end(), [now, &send](const InFlight& other) {
          return now - other.at >= kGivenUpFrom &&
                 send.at - other.at <= kGivenUpBy;
        });
    if (!perhaps_given_up) ++awaited;
  }
  return awaited;
}

void Auditor::CheckWindow(const std::string& room) {
  size_t total = 0;
  for (auto& [name, sends] : in_flight_) total += SurelyAwaited(&sends);
  const size_t here = SurelyAwaited(&in_flight_[room]);
  const bool ordered = options_.server.Has("send.ordered");
  const size_t window = ordered ? options_.server.ordered_window : 1;
  if (here > window) {
    verdict_->Fail(here, " sends are on their way in ", room,
                   "; the window is ", window);
  }
  if (total > model::kMaxSendsInFlight) {
    verdict_->Fail(total, " sends are on their way");
  }
}

}  // namespace parley::sim
