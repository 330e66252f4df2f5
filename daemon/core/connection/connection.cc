#include "daemon/core/connection/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/model/errors.h"

namespace parley::core {
namespace {

// More answers outstanding than the components may have in flight together.
constexpr size_t kMaxUnanswered =
    model::kMaxSendsInFlight + model::kMaxJoinsInFlight + 1024;

// Attempts upon news from the device are at least this far apart: a network
// that comes and goes is no reason to hammer the server.
constexpr absl::Duration kMinAttemptInterval = absl::Seconds(1);
// For a sign of life of a connection in doubt.
constexpr absl::Duration kProbeTimeout = absl::Seconds(5);
// The failed attempts in a row that are told one by one.
constexpr uint32_t kToldAttempts = 3;

}  // namespace

Connection::Connection(const Options& options)
    : options_(options),
      reconnect_(options.reconnect),
      last_connection_(uint64_t{options.incarnation} << 32),
      fetch_(uint64_t{options.incarnation} << 32) {
  status_.state = model::ConnectionState::kStopped;
  status_.cause = "not started";
  PARLEY_CHECK(!options_.server_urls.empty());
  status_.server_url = server_url();
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
  on_purpose_ = *stopped;
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
  const RequestId id(ack_id + 1);  // acks count from 0, ids from 1
  unanswered_.emplace(id, owner);
  // The oldest of so many has long been given up by its owner.
  if (unanswered_.size() > kMaxUnanswered) {
    unanswered_.erase(unanswered_.begin());
  }
  context->Emit(SendFrame{connection_, std::move(frame)}, release);
  return id;
}

void Connection::OnStarted(StepContext* context) {
  switch (on_purpose_) {
    case model::OnPurpose::kOnline:
      Attempt("started", context);
      break;
    case model::OnPurpose::kDisconnected:
      SetState(State::kStopped, "stopped on purpose before the restart",
               context);
      break;
    case model::OnPurpose::kSignedOut:
      SetState(State::kStopped, "signed out before the restart", context);
      break;
  }
}

void Connection::SetOnPurpose(model::OnPurpose wish, StepContext* context) {
  if (on_purpose_ == wish) return;
  on_purpose_ = wish;
  context->tables().PutStoppedOnPurpose(wish);
  context->tables().staged()->RequireSync();
}

void Connection::OnConnect(CallId call, StepContext* context) {
  SetOnPurpose(model::OnPurpose::kOnline, context);
  context->ReplyTo(call, Done{});
  switch (state_) {
    case State::kStopped:
    case State::kWaiting:
      AttemptAt(asked_until_, "a client asked to connect", context);
      break;
    case State::kCredentialsRequired:
      // A source may take its time; asking again would not wait for it.
      if (!fetching_) LookForCredentials(context);
      break;
    case State::kFetching:
    case State::kOpening:
    case State::kHandshaking:
    case State::kReady:
      break;
  }
}

void Connection::OnDisconnect(CallId call, StepContext* context) {
  if (on_purpose_ != model::OnPurpose::kSignedOut) {
    SetOnPurpose(model::OnPurpose::kDisconnected, context);
  }
  context->ReplyTo(call, Done{});
  Stop("a client asked to disconnect", context);
}

void Connection::Stop(const std::string& cause, StepContext* context) {
  if (state_ == State::kStopped) return;
  Drop(cause, /*closed_by_server=*/false, context);
  context->StopTimer({TimerKind::kConnectRetry, {}});
  was_ready_ = false;
  server_index_ = 0;
  status_.attempt = 0;
  status_.next_retry_at.reset();
  SetState(State::kStopped, cause, context);
}

void Connection::RetryNow(StepContext* context) {
  if (state_ != State::kWaiting) return;
  HurryUp(asked_until_, "a client asked to flush", context);
}

void Connection::OnNetworkChanged(const NetworkChanged& event,
                                  StepContext* context) {
  const bool online = event.online || options_.server_is_local;
  // The first one says how things are, not that they have changed.
  const bool news = network_known_ || online != status_.device_online;
  network_known_ = true;
  status_.device_online = online;
  if (!news) return;
  const std::string cause =
      online ? "the network changed" : "the device has no network";
  context->LogLine(Log::Severity::kInfo, cause);
  if (online) {
    HurryUp(not_before_, cause, context);
    Doubt(cause, context);
  } else if (state_ == State::kWaiting) {
    SetState(State::kWaiting, cause, context);
  } else {
    Doubt(cause, context);
  }
}

void Connection::OnResumed(StepContext* context) {
  const std::string cause = "the device woke up";
  context->LogLine(Log::Severity::kInfo, cause);
  HurryUp(not_before_, cause, context);
  Doubt(cause, context);
}

void Connection::AttemptAt(base::MonotonicTime earliest,
                           const std::string& cause, StepContext* context) {
  if (earliest <= context->monotonic()) {
    Attempt(cause, context);
    return;
  }
  const absl::Duration delay = earliest - context->monotonic();
  status_.next_retry_at = context->wall() + delay;
  SetState(State::kWaiting, cause, context);
  context->SetTimerIn({TimerKind::kConnectRetry, {}}, delay);
}

void Connection::HurryUp(base::MonotonicTime not_before,
                         const std::string& cause, StepContext* context) {
  switch (state_) {
    case State::kWaiting:
      AttemptAt(std::max(not_before, attempted_at_ + kMinAttemptInterval),
                cause, context);
      return;
    case State::kCredentialsRequired:
      // What gives the token may have needed the network.
      if (fetching_) {
        fetch_again_ = true;
      } else {
        LookForCredentials(context);
      }
      return;
    case State::kOpening:
    case State::kHandshaking:
      // By the way that is no more, as like as not. It gets a little time, but
      // once: a network that keeps changing must not keep it from its end.
      if (in_doubt_) return;
      in_doubt_ = true;
      connect_deadline_ =
          std::min(connect_deadline_, context->monotonic() + kProbeTimeout);
      context->SetTimerAt({TimerKind::kConnectTimeout, {}}, connect_deadline_);
      return;
    case State::kFetching:
      fetch_again_ = true;
      return;
    case State::kStopped:
    case State::kReady:
      return;
  }
}

void Connection::Doubt(const std::string& cause, StepContext* context) {
  // Of a server that has answered no ping only its heartbeat tells.
  if (state_ != State::kReady || in_doubt_ || !quality_.answers()) return;
  context->LogLine(Log::Severity::kDebug,
                   absl::StrCat("is the connection alive? ", cause));
  in_doubt_ = true;
  Ping(context);
  context->SetTimerIn({TimerKind::kProbeTimeout, {}}, kProbeTimeout);
}

void Connection::Attempt(const std::string& cause, StepContext* context) {
  context->StopTimer({TimerKind::kConnectRetry, {}});
  status_.next_retry_at.reset();
  SetState(State::kFetching, cause, context);
  connect_deadline_ = context->monotonic() + options_.connect_timeout;
  context->SetTimerAt({TimerKind::kConnectTimeout, {}}, connect_deadline_);
  FetchToken(context);
}

void Connection::Open(const base::Secret& token, const std::string& cause,
                      StepContext* context) {
  token_ = token;
  attempted_at_ = context->monotonic();
  last_connection_ = last_connection_.Next();
  connection_ = last_connection_;
  status_.server_url = server_url();
  SetState(State::kOpening, cause, context);
  context->StopTimer({TimerKind::kConnectRetry, {}});
  status_.next_retry_at.reset();
  connect_deadline_ = context->monotonic() + options_.connect_timeout;
  context->SetTimerAt({TimerKind::kConnectTimeout, {}}, connect_deadline_);
  context->Emit(OpenConnection{connection_, server_url()}, Release::kNow);
}

void Connection::OnOpened(const TransportOpened& event, StepContext* context) {
  if (state_ != State::kOpening || event.connection != connection_) return;
  socketio::Session::Options options;
  options.auth_json = wire::EncodeAuth(token_.Reveal(), options_.device);
  options.max_incoming_bytes = model::kMaxFrameBytes;
  session_.emplace(std::move(options));
  announced_max_payload_ = 0;
  status_.server = model::Reachability::kReachable;
  SetState(State::kHandshaking, "the server accepted the connection", context);
}

void Connection::OnText(const TextReceived& event, StepContext* context) {
  if (!session_.has_value() || event.connection != connection_) return;
  const base::MonotonicTime deadline = session_->ping_deadline();
  session_->OnText(event.text, context->monotonic(), &session_outputs_);
  if (in_doubt_ && state_ == State::kReady) {
    in_doubt_ = false;
    context->StopTimer({TimerKind::kProbeTimeout, {}});
  }
  if (state_ == State::kReady && session_->ping_deadline() != deadline) {
    quality_.OnHeartbeat(context->monotonic(), announced_ping_interval_);
    status_.quality = quality_.status();
  }
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
  const bool said = event.close_code != 0;  // by the server itself
  const std::string code = was_open ? "CONNECTION_LOST" : "CONNECT_FAILED";
  // The transport has no such connection any more: nothing to close there.
  connection_ = ConnectionId();
  Drop(event.reason, /*closed_by_server=*/said, context);
  if (!was_open) {
    status_.server = model::Reachability::kUnreachable;
  } else if (!said) {
    status_.server = model::Reachability::kUnknown;
  }
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
      OnConnectTimeout(context);
      break;
    case TimerKind::kPingTimeout:
      if (!session_.has_value()) break;
      if (context->monotonic() < session_->ping_deadline()) {
        ping_timer_at_ = base::MonotonicTime();
        ArmPingTimer(context);
      } else {
        status_.server = model::Reachability::kUnknown;
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
    case TimerKind::kProbeTimeout:
      if (!in_doubt_) break;
      status_.server = model::Reachability::kUnknown;
      Fail("PROBE_TIMEOUT",
           "the connection did not survive a change of the network, or sleep",
           /*closed_by_server=*/false, context);
      break;
    case TimerKind::kQualitySample:
      if (state_ == State::kReady) Ping(context);
      break;
    case TimerKind::kTokenRefresh:
      if (state_ == State::kReady) OnRefreshTimer(context);
      break;
    default:
      PARLEY_CHECK(false);
  }
}

void Connection::OnConnectTimeout(StepContext* context) {
  const std::string within =
      in_doubt_ ? " soon after the network changed"
                : absl::StrCat(" within ",
                               absl::FormatDuration(options_.connect_timeout));
  switch (state_) {
    case State::kFetching:
      Fail("CREDENTIALS_TIMEOUT",
           absl::StrCat("no token came from its source", within),
           /*closed_by_server=*/false, context);
      return;
    case State::kOpening:
      status_.server = model::Reachability::kUnreachable;
      Fail("CONNECT_TIMEOUT", absl::StrCat("the server did not answer", within),
           /*closed_by_server=*/false, context);
      return;
    case State::kHandshaking:
      Fail("CONNECT_TIMEOUT",
           absl::StrCat("the server did not become ready", within),
           /*closed_by_server=*/false, context);
      return;
    case State::kStopped:
    case State::kReady:
    case State::kWaiting:
    case State::kCredentialsRequired:
      return;
  }
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
  in_doubt_ = false;
  refresh_ = Refresh::kNone;
  next_token_ = base::Secret();
  quality_ = QualityMonitor();
  status_.quality = model::QualityStatus();
  status_.token_expires_at.reset();
  for (const TimerKind kind :
       {TimerKind::kConnectTimeout, TimerKind::kPingTimeout, TimerKind::kStable,
        TimerKind::kProbeTimeout, TimerKind::kQualitySample,
        TimerKind::kTokenRefresh}) {
    context->StopTimer({kind, {}});
  }
  was_ready_ = was_ready_ || was_ready;
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
  const bool was_ready = std::exchange(was_ready_, false);
  server_index_ =
      was_ready ? 0 : (server_index_ + 1) % options_.server_urls.size();
  // What one server asks for is no reason to keep from another.
  not_before_ =
      std::max(not_before_, context->monotonic() +
                                socketio::ReconnectPolicy::Floor(failure));
  if (failure.retry_after.has_value()) {
    asked_until_ = std::max(
        asked_until_,
        context->monotonic() + socketio::ReconnectPolicy::Floor(
                                   {/*refused=*/false, failure.retry_after}));
  }
  if (server_index_ != 0) {
    Attempt(absl::StrCat("the next server is tried: ", reason), context);
    return;
  }
  // Below the jitter, not in its place: nobody comes earlier than asked, and
  // still not all at once.
  const absl::Duration delay =
      std::max(not_before_ - context->monotonic(), absl::ZeroDuration()) +
      reconnect_.NextDelay(context->rng());
  status_.attempt = reconnect_.attempt();
  status_.next_retry_at = context->wall() + delay;
  SetState(State::kWaiting, reason, context);
  context->SetTimerIn({TimerKind::kConnectRetry, {}}, delay);
}

void Connection::SetError(std::string code, std::string message,
                          StepContext* context) {
  context->LogLine(Quiet() ? Log::Severity::kDebug : Log::Severity::kWarning,
                   absl::StrCat(code, ": ", message));
  status_.last_error_code = std::move(code);
  status_.last_error_message = std::move(message);
  status_.last_error_at = context->wall();
}

bool Connection::Quiet() const {
  // Powers of two are told: that it still goes on, ever more rarely.
  const uint32_t attempt = reconnect_.attempt();
  return attempt > kToldAttempts && (attempt & (attempt - 1)) != 0;
}

void Connection::SetState(State state, std::string cause,
                          StepContext* context) {
  state_ = state;
  const model::ConnectionState state_for_clients = PublicState();
  if (status_.state != state_for_clients) {
    status_.since = context->wall();
    context->LogLine(Quiet() ? Log::Severity::kDebug : Log::Severity::kInfo,
                     absl::StrCat("connection ",
                                  model::ConnectionStateName(state_for_clients),
                                  ": ", cause));
  }
  status_.state = state_for_clients;
  status_.cause = std::move(cause);
}

model::ConnectionState Connection::PublicState() const {
  switch (state_) {
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
      return status_.device_online ? model::ConnectionState::kWaiting
                                   : model::ConnectionState::kOffline;
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
  if (on_purpose_ == model::OnPurpose::kSignedOut) {
    return model::MakeError(absl::StatusCode::kFailedPrecondition,
                            model::ErrorReason::kCredentialsRequired,
                            "nobody is signed in; give a token first");
  }
  if (state_ == State::kCredentialsRequired &&
      status_.last_error_code == "ACCOUNT_MISMATCH") {
    return model::MakeError(absl::StatusCode::kFailedPrecondition,
                            model::ErrorReason::kAccountMismatch,
                            status_.last_error_message);
  }
  return absl::OkStatus();
}

}  // namespace parley::core
