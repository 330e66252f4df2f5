#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/connection/connection.h"
#include "daemon/wire/refusal.h"
#include "daemon/wire/token_claims.h"

namespace parley::core {

void Connection::HandleSessionOutputs(StepContext* context) {
  std::vector<socketio::Output> outputs = std::move(session_outputs_);
  session_outputs_.clear();
  for (const socketio::Output& output : outputs) {
    HandleSessionOutput(output, context);
    // An output may have ended the session; the rest is of the past.
    if (!session_.has_value()) return;
  }
  ArmPingTimer(context);
}

void Connection::HandleSessionOutput(const socketio::Output& output,
                                     StepContext* context) {
  if (const auto* frame = std::get_if<socketio::SendFrame>(&output)) {
    context->Emit(SendFrame{connection_, frame->text}, Release::kNow);
  } else if (const auto* opened = std::get_if<socketio::Opened>(&output)) {
    announced_max_payload_ = opened->parameters.max_payload;
    announced_ping_interval_ = opened->parameters.ping_interval;
  } else if (std::get_if<socketio::Connected>(&output) != nullptr) {
    // The server may still lose what is sent before its ready event.
  } else if (const auto* refused = std::get_if<socketio::Refused>(&output)) {
    HandleRefusal(*refused, context);
  } else if (const auto* event =
                 std::get_if<socketio::EventReceived>(&output)) {
    HandleServerEvent(*event, context);
  } else if (const auto* ack = std::get_if<socketio::AckReceived>(&output)) {
    HandleAck(*ack, context);
  } else if (const auto* ignored = std::get_if<socketio::Ignored>(&output)) {
    ++ignored_events_;
    context->LogLine(Log::Severity::kDebug,
                     absl::StrCat("ignored a packet: ", ignored->why));
  } else if (const auto* closed = std::get_if<socketio::Closed>(&output)) {
    const bool fault = closed->reason == socketio::CloseReason::kProtocolError;
    const std::string words =
        closed->detail.empty()
            ? std::string(socketio::CloseReasonName(closed->reason))
            : closed->detail;
    Drop(words, /*closed_by_server=*/!fault, context);
    // A DISCONNECT is said on purpose: it is not answered with haste.
    const bool refused =
        closed->reason == socketio::CloseReason::kServerDisconnect;
    WaitAndRetry(fault ? "PROTOCOL_ERROR" : "CLOSED_BY_SERVER", words,
                 {refused, std::nullopt}, context);
  }
}

void Connection::HandleAck(const socketio::AckReceived& ack,
                           StepContext* context) {
  quality_.OnAck(ack.id, context->monotonic());
  status_.quality = quality_.status();
  const RequestId request(ack.id + 1);
  if (refresh_ == Refresh::kOffered && request == offer_) {
    OnOfferAnswered(dialect().DecodeAnswer(ack.args), context);
    return;
  }
  const auto it = unanswered_.find(request);
  if (it == unanswered_.end()) return;
  const Answered answered{it->second, it->first,
                          dialect().DecodeAnswer(ack.args)};
  unanswered_.erase(it);
  if (answered.answer.error.has_value() &&
      answered.answer.error->error_class == wire::ErrorClass::kAuth) {
    // The session is over for the server, whatever the request was.
    const std::string words =
        absl::StrCat("the server does not accept the session any more: ",
                     answered.answer.error->message);
    // The one who asked learns that it was not done.
    outputs_.push_back(answered);
    Drop(words, /*closed_by_server=*/false, context);
    Reject(answered.answer.error->code, words, context);
    return;
  }
  outputs_.push_back(answered);
  ReplaceWhenIdle(context);
}

void Connection::HandleRefusal(const socketio::Refused& refusal,
                               StepContext* context) {
  const wire::RequestError error =
      wire::DecodeRefusal(refusal.message, refusal.data);
  const std::string words =
      absl::StrCat("the server refused the connection: ", error.message);
  Drop(words, /*closed_by_server=*/true, context);
  if (error.error_class == wire::ErrorClass::kAuth) {
    Reject(error.code == "REFUSED" ? "AUTH_REJECTED" : error.code, words,
           context);
    return;
  }
  WaitAndRetry(error.code, words, {/*refused=*/true, error.retry_after},
               context);
}

void Connection::HandleServerEvent(const socketio::EventReceived& event,
                                   StepContext* context) {
  if (state_ == State::kReady) {
    ServerSaid said{dialect().DecodeEvent(event.name, event.args)};
    if (std::get_if<wire::PongReceived>(&said.event) != nullptr) {
      quality_.OnPong(context->monotonic());
      status_.quality = quality_.status();
      return;
    }
    outputs_.push_back(std::move(said));
    return;
  }
  const wire::ServerEvent first =
      wire::DecodeFirstEvent(event.name, event.args);
  if (const auto* ready = std::get_if<wire::Ready>(&first)) {
    BecomeReady(*ready, context);
  } else if (const auto* bad = std::get_if<wire::MalformedEvent>(&first)) {
    Fail(
        "PROTOCOL_ERROR",
        absl::StrCat("the server's ready event makes no sense: ", bad->problem),
        /*closed_by_server=*/false, context);
  }
}

void Connection::BecomeReady(const wire::Ready& ready, StepContext* context) {
  model::UserId user = ready.user;
  if (user.empty()) user = wire::ReadTokenClaims(token_.Reveal()).user;
  if (user.empty()) user = options_.configured_user;
  if (user.empty()) user = binding_.user;
  if (!IdentityAllowed(user)) {
    const std::string words(
        Mismatch("the server says that the token is for ", user).message());
    Drop(words, /*closed_by_server=*/false, context);
    Reject("ACCOUNT_MISMATCH", words, context);
    return;
  }
  if (!user.empty() && binding_.user.empty()) {
    binding_.user = user;
    context->tables().PutBinding(binding_);
    context->tables().staged()->RequireSync();
  }
  user_ = user;
  uint32_t era = capabilities_.history_era;
  if (capabilities_.history_epoch != ready.capabilities.history_epoch) ++era;
  capabilities_ = ready.capabilities;
  capabilities_.history_era = era;
  capabilities_.learned_at = context->wall();
  capabilities_.ordered_window = std::min(
      std::max(capabilities_.ordered_window, 1u), model::kMaxOrderedWindow);
  if (announced_max_payload_ != 0) {
    capabilities_.max_payload_bytes =
        std::min<uint64_t>(announced_max_payload_, model::kMaxFrameBytes);
  }
  context->tables().PutCapabilities(capabilities_);
  context->StopTimer({TimerKind::kConnectTimeout, {}});
  context->SetTimerIn({TimerKind::kStable, {}},
                      socketio::ReconnectPolicy::kStablePeriod);
  SetState(State::kReady, "the server is ready", context);
  was_ready_ = true;
  in_doubt_ = false;
  if (ready.server_time.has_value()) {
    server_ahead_ = *ready.server_time - context->wall();
  }
  outputs_.push_back(BecameReady{});
  Ping(context);
  ArmRefresh(context);
}

void Connection::Ping(StepContext* context) {
  if (!quality_.may_answer()) return;
  const wire::Request ping = wire::EncodePing();
  auto [id, frame] = session_->EncodeRequest(ping.event, ping.payload);
  quality_.OnPing(id, context->monotonic());
  status_.quality = quality_.status();
  context->Emit(SendFrame{connection_, std::move(frame)}, Release::kNow);
  if (quality_.may_answer()) {
    context->SetTimerIn({TimerKind::kQualitySample, {}},
                        QualityMonitor::kInterval);
  }
}

void Connection::ArmPingTimer(StepContext* context) {
  if (!session_.has_value()) return;
  const base::MonotonicTime deadline = session_->ping_deadline();
  if (deadline == base::MonotonicTime::InfiniteFuture()) return;
  // An armed timer looks at the deadline again when it fires, so that a busy
  // connection does not move a timer with every frame.
  if (ping_timer_at_ > context->monotonic()) return;
  ping_timer_at_ = deadline;
  context->SetTimerAt({TimerKind::kPingTimeout, {}}, deadline);
}

}  // namespace parley::core
