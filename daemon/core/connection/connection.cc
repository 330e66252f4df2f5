#include "daemon/core/connection/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/base/check.h"
#include "daemon/model/errors.h"
#include "daemon/wire/refusal.h"
#include "daemon/wire/token_claims.h"

namespace parley::core {
namespace {

// More answers outstanding than the components may have in flight together.
constexpr size_t kMaxUnanswered =
    model::kMaxSendsInFlight + model::kMaxJoinsInFlight + 1024;

// Acks count from 0 in a session; a RequestId of 0 means none.
RequestId ToRequestId(uint64_t ack_id) { return RequestId(ack_id + 1); }

}  // namespace

Connection::Connection(const Options& options)
    : options_(options),
      reconnect_(options.reconnect),
      last_connection_(uint64_t{options.incarnation} << 32),
      fetch_(uint64_t{options.incarnation} << 32) {
  status_.state = model::ConnectionState::kStopped;
  status_.cause = "not started";
  status_.server_url = options_.server_url;
}

absl::Status Connection::Load(const storage::Tables& tables) {
  auto binding = tables.Binding();
  if (!binding.ok()) return binding.status();
  binding_ = *std::move(binding);
  user_ = binding_.user;
  auto capabilities = tables.Capabilities();
  if (!capabilities.ok()) return capabilities.status();
  if (capabilities->has_value()) capabilities_ = **std::move(capabilities);
  auto stopped = tables.StoppedOnPurpose();
  if (!stopped.ok()) return stopped.status();
  stopped_on_purpose_ = *stopped;
  return absl::OkStatus();
}

const wire::Dialect& Connection::dialect() const {
  return wire::DialectFor(capabilities_.dialect);
}

RequestId Connection::Send(RequestOwner owner, const wire::Request& request,
                           Release release, StepContext* context) {
  PARLEY_CHECK(ready());
  auto [ack_id, frame] =
      session_->EncodeRequest(request.event, request.payload);
  const RequestId id = ToRequestId(ack_id);
  unanswered_.emplace(id, owner);
  // The oldest of so many has long been given up by its owner.
  if (unanswered_.size() > kMaxUnanswered) {
    unanswered_.erase(unanswered_.begin());
  }
  context->Emit(SendFrame{connection_, std::move(frame)}, release);
  return id;
}

void Connection::OnStarted(StepContext* context) {
  if (stopped_on_purpose_) {
    SetState(State::kStopped, "stopped on purpose before the restart", context);
    return;
  }
  Attempt("started", context);
}

void Connection::OnConnect(CallId call, StepContext* context) {
  if (stopped_on_purpose_) {
    stopped_on_purpose_ = false;
    context->tables().PutStoppedOnPurpose(false);
    context->tables().staged()->RequireSync();
  }
  context->ReplyTo(call, Done{});
  switch (state_) {
    case State::kStopped:
    case State::kWaiting:
      Attempt("a client asked to connect", context);
      break;
    case State::kCredentialsRequired:
      LookForCredentials(context);
      break;
    case State::kFetching:
    case State::kOpening:
    case State::kHandshaking:
    case State::kReady:
      break;
  }
}

void Connection::OnDisconnect(CallId call, StepContext* context) {
  if (!stopped_on_purpose_) {
    stopped_on_purpose_ = true;
    context->tables().PutStoppedOnPurpose(true);
    context->tables().staged()->RequireSync();
  }
  context->ReplyTo(call, Done{});
  if (state_ == State::kStopped) return;
  Drop("a client asked to disconnect", /*closed_by_server=*/false, context);
  context->StopTimer({TimerKind::kConnectRetry, {}});
  status_.attempt = 0;
  status_.next_retry_at.reset();
  SetState(State::kStopped, "a client asked to disconnect", context);
}

void Connection::RetryNow(StepContext* context) {
  if (state_ == State::kWaiting) Attempt("a client asked to flush", context);
}

void Connection::Attempt(const std::string& cause, StepContext* context) {
  context->StopTimer({TimerKind::kConnectRetry, {}});
  status_.next_retry_at.reset();
  fetch_ = fetch_.Next();
  SetState(State::kFetching, cause, context);
  context->SetTimerIn({TimerKind::kConnectTimeout, {}},
                      options_.connect_timeout);
  context->Emit(FetchCredentials{fetch_}, Release::kNow);
}

void Connection::OnCredentials(const CredentialsFetched& event,
                               StepContext* context) {
  const bool awaited =
      state_ == State::kFetching || state_ == State::kCredentialsRequired;
  if (!awaited || event.fetch != fetch_) return;
  if (!event.token.ok() || event.token->empty()) {
    RequireCredentials("CREDENTIALS_REQUIRED",
                       event.token.ok()
                           ? "the token is empty"
                           : std::string(event.token.status().message()),
                       context);
    return;
  }
  if (*event.token == rejected_token_) {
    RequireCredentials(rejection_code_, rejection_words_, context);
    return;
  }
  token_ = *event.token;
  const model::UserId user = wire::ReadTokenClaims(token_.Reveal()).user;
  if (!IdentityAllowed(user)) {
    RequireCredentials(
        "ACCOUNT_MISMATCH",
        absl::StrCat("the token is for ", user.value(),
                     ", but this profile belongs to ", binding_.user.value(),
                     "; use a profile of its own for another account"),
        context);
    return;
  }
  if (user_.empty()) user_ = user;
  last_connection_ = last_connection_.Next();
  connection_ = last_connection_;
  SetState(State::kOpening, "the credentials are there", context);
  context->StopTimer({TimerKind::kConnectRetry, {}});
  status_.next_retry_at.reset();
  context->SetTimerIn({TimerKind::kConnectTimeout, {}},
                      options_.connect_timeout);
  context->Emit(OpenConnection{connection_, options_.server_url},
                Release::kNow);
}

void Connection::OnOpened(const TransportOpened& event, StepContext* context) {
  if (state_ != State::kOpening || event.connection != connection_) return;
  socketio::Session::Options options;
  options.auth_json = wire::EncodeAuth(token_.Reveal(), options_.device_os);
  options.max_incoming_bytes = model::kMaxFrameBytes;
  session_.emplace(std::move(options));
  announced_max_payload_ = 0;
  SetState(State::kHandshaking, "the server accepted the connection", context);
}

void Connection::OnText(const TextReceived& event, StepContext* context) {
  if (!session_.has_value() || event.connection != connection_) return;
  session_->OnText(event.text, context->monotonic(), &session_outputs_);
  HandleSessionOutputs(context);
}

void Connection::OnBinary(const BinaryReceived& event, StepContext* context) {
  if (!session_.has_value() || event.connection != connection_) return;
  session_->OnBinary(event.bytes, context->monotonic(), &session_outputs_);
  HandleSessionOutputs(context);
}

void Connection::OnClosed(const TransportClosed& event, StepContext* context) {
  if (connection_ == ConnectionId() || event.connection != connection_) return;
  const bool was_open = session_.has_value();
  const std::string code = was_open ? "CONNECTION_LOST" : "CONNECT_FAILED";
  // The transport has no such connection any more: nothing to close there.
  connection_ = ConnectionId();
  Drop(event.reason, /*closed_by_server=*/event.close_code != 0, context);
  WaitAndRetry(code, event.reason, {/*refused=*/false, event.retry_after},
               context);
}

void Connection::OnTimer(const TimerId& timer, StepContext* context) {
  switch (timer.kind) {
    case TimerKind::kConnectRetry:
      if (state_ == State::kWaiting) {
        Attempt("the wait is over", context);
      } else if (state_ == State::kCredentialsRequired) {
        LookForCredentials(context);
      }
      break;
    case TimerKind::kConnectTimeout:
      if (state_ == State::kFetching || state_ == State::kOpening ||
          state_ == State::kHandshaking) {
        Fail("CONNECT_TIMEOUT",
             absl::StrFormat("the server did not become ready within %s",
                             absl::FormatDuration(options_.connect_timeout)),
             /*closed_by_server=*/false, context);
      }
      break;
    case TimerKind::kPingTimeout:
      if (!session_.has_value()) break;
      if (context->monotonic() < session_->ping_deadline()) {
        ping_timer_at_ = base::MonotonicTime();
        ArmPingTimer(context);
      } else {
        Fail("PING_TIMEOUT", "the server's heartbeat stopped",
             /*closed_by_server=*/false, context);
      }
      break;
    case TimerKind::kStable:
      if (state_ == State::kReady) {
        reconnect_.OnStable();
        status_.attempt = 0;
      }
      break;
    default:
      PARLEY_CHECK(false);
  }
}

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
  } else if (std::get_if<socketio::Connected>(&output) != nullptr) {
    // The server may still lose what is sent before its ready event.
  } else if (const auto* refused = std::get_if<socketio::Refused>(&output)) {
    HandleRefusal(*refused, context);
  } else if (const auto* event =
                 std::get_if<socketio::EventReceived>(&output)) {
    HandleServerEvent(*event, context);
  } else if (const auto* ack = std::get_if<socketio::AckReceived>(&output)) {
    const auto it = unanswered_.find(ToRequestId(ack->id));
    if (it == unanswered_.end()) return;
    const Answered answered{it->second, it->first,
                            dialect().DecodeAnswer(ack->args)};
    unanswered_.erase(it);
    if (answered.answer.error.has_value() &&
        answered.answer.error->error_class == wire::ErrorClass::kAuth) {
      // The session is over for the server, whatever the request was.
      const std::string words =
          absl::StrCat("the server does not accept the session any more: ",
                       answered.answer.error->message);
      Drop(words, /*closed_by_server=*/false, context);
      Reject(answered.answer.error->code, words, context);
      return;
    }
    outputs_.push_back(answered);
  } else if (const auto* ignored = std::get_if<socketio::Ignored>(&output)) {
    ++ignored_events_;
    context->LogLine(Log::Severity::kDebug,
                     absl::StrCat("ignored a packet: ", ignored->why));
  } else if (const auto* closed = std::get_if<socketio::Closed>(&output)) {
    const bool fault = closed->reason == socketio::CloseReason::kProtocolError;
    Fail(fault ? "PROTOCOL_ERROR" : "CLOSED_BY_SERVER",
         closed->detail.empty()
             ? std::string(socketio::CloseReasonName(closed->reason))
             : closed->detail,
         /*closed_by_server=*/!fault, context);
  }
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
    outputs_.push_back(
        ServerSaid{dialect().DecodeEvent(event.name, event.args)});
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
    const std::string words =
        absl::StrCat("the server says that the token is for ", user.value(),
                     ", but this profile belongs to ", binding_.user.value(),
                     "; use a profile of its own for another account");
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
  rejected_token_ = base::Secret();
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
  outputs_.push_back(BecameReady{});
}

bool Connection::IdentityAllowed(const model::UserId& user) const {
  return user.empty() || binding_.user.empty() || user == binding_.user;
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

void Connection::Drop(const std::string& reason, bool closed_by_server,
                      StepContext* context) {
  const bool was_ready = state_ == State::kReady;
  if (connection_ != ConnectionId()) {
    context->Emit(CloseConnection{connection_}, Release::kNow);
    connection_ = ConnectionId();
  }
  session_.reset();
  unanswered_.clear();
  ping_timer_at_ = base::MonotonicTime();
  context->StopTimer({TimerKind::kConnectTimeout, {}});
  context->StopTimer({TimerKind::kPingTimeout, {}});
  context->StopTimer({TimerKind::kStable, {}});
  if (was_ready) outputs_.push_back(BecameLost{reason, closed_by_server});
}

void Connection::Fail(const std::string& code, const std::string& reason,
                      bool closed_by_server, StepContext* context) {
  Drop(reason, closed_by_server, context);
  WaitAndRetry(code, reason, {}, context);
}

void Connection::WaitAndRetry(const std::string& code,
                              const std::string& reason,
                              const socketio::ReconnectPolicy::Failure& failure,
                              StepContext* context) {
  SetError(code, reason, context);
  const absl::Duration delay = reconnect_.NextDelay(failure, context->rng());
  status_.attempt = reconnect_.attempt();
  status_.next_retry_at = context->wall() + delay;
  SetState(State::kWaiting, reason, context);
  context->SetTimerIn({TimerKind::kConnectRetry, {}}, delay);
}

void Connection::Reject(const std::string& code, const std::string& words,
                        StepContext* context) {
  rejected_token_ = token_;
  rejection_code_ = code;
  rejection_words_ = words;
  RequireCredentials(code, words, context);
}

void Connection::RequireCredentials(const std::string& code,
                                    const std::string& message,
                                    StepContext* context) {
  context->StopTimer({TimerKind::kConnectTimeout, {}});
  // Looking in vain again is no news.
  if (status_.last_error_code != code ||
      status_.last_error_message != message) {
    SetError(code, message, context);
  }
  SetState(State::kCredentialsRequired, message, context);
  status_.next_retry_at = context->wall() + options_.credentials_retry;
  context->SetTimerIn({TimerKind::kConnectRetry, {}},
                      options_.credentials_retry);
}

void Connection::LookForCredentials(StepContext* context) {
  fetch_ = fetch_.Next();
  // Set again in case this fetch is never answered.
  context->SetTimerIn({TimerKind::kConnectRetry, {}},
                      options_.credentials_retry);
  context->Emit(FetchCredentials{fetch_}, Release::kNow);
}

void Connection::SetError(std::string code, std::string message,
                          StepContext* context) {
  context->LogLine(Log::Severity::kWarning, absl::StrCat(code, ": ", message));
  status_.last_error_code = std::move(code);
  status_.last_error_message = std::move(message);
  status_.last_error_at = context->wall();
}

void Connection::SetState(State state, std::string cause,
                          StepContext* context) {
  state_ = state;
  const model::ConnectionState state_for_clients = PublicState(state);
  if (status_.state != state_for_clients) {
    status_.since = context->wall();
    context->LogLine(Log::Severity::kInfo,
                     absl::StrCat("connection ",
                                  model::ConnectionStateName(state_for_clients),
                                  ": ", cause));
  }
  status_.state = state_for_clients;
  status_.cause = std::move(cause);
}

model::ConnectionState Connection::PublicState(State state) {
  switch (state) {
    case State::kStopped:
      return model::ConnectionState::kStopped;
    case State::kFetching:
    case State::kOpening:
      return model::ConnectionState::kConnecting;
    case State::kHandshaking:
      return model::ConnectionState::kAuthenticating;
    case State::kReady:
      return model::ConnectionState::kReady;
    case State::kWaiting:
      return model::ConnectionState::kWaiting;
    case State::kCredentialsRequired:
      return model::ConnectionState::kCredentialsRequired;
  }
  PARLEY_CHECK(false);
  return model::ConnectionState::kStopped;
}

std::vector<ConnectionOutput> Connection::TakeOutputs() {
  return std::exchange(outputs_, {});
}

model::ConnectionStatus Connection::status() const {
  model::ConnectionStatus status = status_;
  status.user = user_;
  return status;
}

absl::Status Connection::AcceptsWork() const {
  if (state_ == State::kCredentialsRequired &&
      status_.last_error_code == "ACCOUNT_MISMATCH") {
    return model::MakeError(absl::StatusCode::kFailedPrecondition,
                            model::ErrorReason::kAccountMismatch,
                            status_.last_error_message);
  }
  return absl::OkStatus();
}

}  // namespace parley::core
