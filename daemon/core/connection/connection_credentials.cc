// The token: whose it is, where it comes from, and how a newer one gets to the
// server.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/core/connection/connection.h"
#include "daemon/model/errors.h"
#include "daemon/wire/token_claims.h"

namespace parley::core {
namespace {

// Before the token expires.
constexpr absl::Duration kRefreshAhead = absl::Seconds(60);
// The wall clock may jump meanwhile.
constexpr absl::Duration kMaxRefreshSleep = absl::Hours(1);
// For the answer to an offered token.
constexpr absl::Duration kOfferTimeout = absl::Seconds(5);
// For requests on their way to be answered before their connection is replaced.
constexpr absl::Duration kReplacePatience = absl::Seconds(10);
// A source that gives more tokens than this that are all refused is offered the
// first one again.
constexpr size_t kMaxRefusals = 16;

}  // namespace

bool Connection::IdentityAllowed(const model::UserId& user) const {
  return user.empty() || binding_.user.empty() || user == binding_.user;
}

absl::Status Connection::Mismatch(const std::string& whose,
                                  const model::UserId& user) const {
  return model::MakeError(
      absl::StatusCode::kFailedPrecondition,
      model::ErrorReason::kAccountMismatch,
      absl::StrCat(whose, user.value(), ", but this profile belongs to ",
                   binding_.user.value(),
                   "; use a profile of its own for another account"));
}

void Connection::OnCredentials(const CredentialsFetched& event,
                               StepContext* context) {
  if (event.fetch != fetch_) return;
  fetching_ = false;
  if (refresh_ == Refresh::kFetching) {
    OnRefreshFetched(event.token, context);
    return;
  }
  if (state_ != State::kFetching && state_ != State::kCredentialsRequired) {
    return;
  }
  if (!event.token.ok() && std::exchange(fetch_again_, false)) {
    FetchToken(context);
    return;
  }
  if (!event.token.ok() && !status_.device_online) {
    // A command may need the network as we do.
    context->StopTimer({TimerKind::kConnectTimeout, {}});
    WaitAndRetry("CREDENTIALS_UNAVAILABLE",
                 std::string(event.token.status().message()), {}, context);
    return;
  }
  if (!event.token.ok() || event.token->empty()) {
    RequireCredentials("CREDENTIALS_REQUIRED",
                       event.token.ok()
                           ? "the token is empty"
                           : std::string(event.token.status().message()),
                       context);
    return;
  }
  if (const Refusal* refusal = RefusalOf(*event.token)) {
    if (*event.token == kept_token_) Keep(base::Secret(), context);
    RequireCredentials(refusal->code, refusal->words, context);
    return;
  }
  const wire::TokenClaims claims = wire::ReadTokenClaims(event.token->Reveal());
  if (!claims.problem.empty()) {
    RequireCredentials("INVALID_TOKEN", claims.problem, context);
    return;
  }
  const model::UserId& user = claims.user;
  if (!IdentityAllowed(user)) {
    RequireCredentials(
        "ACCOUNT_MISMATCH",
        std::string(Mismatch("the token is for ", user).message()), context);
    return;
  }
  Open(*event.token, "the credentials are there", context);
}

void Connection::Refuse(const base::Secret& token, const std::string& code,
                        const std::string& words) {
  refusals_.push_front({token, code, words});
  if (refusals_.size() > kMaxRefusals) refusals_.pop_back();
}

const Connection::Refusal* Connection::RefusalOf(
    const base::Secret& token) const {
  for (const Refusal& refusal : refusals_) {
    if (refusal.token == token) return &refusal;
  }
  return nullptr;
}

void Connection::Reject(const std::string& code, const std::string& words,
                        StepContext* context) {
  Refuse(token_, code, words);
  // The configured source may have a better one.
  if (!kept_token_.empty() && kept_token_ == token_) {
    Keep(base::Secret(), context);
  }
  RequireCredentials(code, words, context);
}

void Connection::RequireCredentials(const std::string& code,
                                    const std::string& message,
                                    StepContext* context) {
  context->StopTimer({TimerKind::kConnectTimeout, {}});
  // Looking in vain again is no news.
  if (state_ != State::kCredentialsRequired ||
      status_.last_error_code != code ||
      status_.last_error_message != message) {
    SetError(code, message, context);
  }
  SetState(State::kCredentialsRequired, message, context);
  status_.next_retry_at = context->wall() + options_.credentials_retry;
  context->SetTimerIn({TimerKind::kConnectRetry, {}},
                      options_.credentials_retry);
}

void Connection::LookForCredentials(StepContext* context) {
  // Set again in case this fetch is never answered.
  context->SetTimerIn({TimerKind::kConnectRetry, {}},
                      options_.credentials_retry);
  FetchToken(context);
}

void Connection::OnSetCredentials(CallId call, const base::Secret& token,
                                  StepContext* context) {
  const wire::TokenClaims claims = wire::ReadTokenClaims(token.Reveal());
  if (!claims.problem.empty()) {
    context->ReplyTo(call, model::InvalidField("token", claims.problem));
    return;
  }
  const model::UserId& user = claims.user;
  if (!IdentityAllowed(user)) {
    context->ReplyTo(call, Mismatch("the token is for ", user));
    return;
  }
  if (const Refusal* refusal = RefusalOf(token)) {
    context->ReplyTo(
        call, model::MakeError(
                  absl::StatusCode::kFailedPrecondition,
                  model::ErrorReason::kCredentialsRequired,
                  absl::StrCat("the server has refused this very token: ",
                               refusal->words, "; get a new one")));
    return;
  }
  if (token != kept_token_) kept_before_ = kept_token_;
  Keep(token, context);
  if (on_purpose_ == model::OnPurpose::kSignedOut) {
    SetOnPurpose(model::OnPurpose::kOnline, context);
  }
  context->ReplyTo(call, Done{});
  switch (state_) {
    case State::kStopped:
      if (on_purpose_ != model::OnPurpose::kOnline) break;
      AttemptAt(asked_until_, "a client signed in", context);
      break;
    case State::kFetching:
    case State::kOpening:
    case State::kHandshaking:
    case State::kWaiting:
      Drop("a client gave new credentials", /*closed_by_server=*/false,
           context);
      AttemptAt(asked_until_, "a client gave new credentials", context);
      break;
    case State::kCredentialsRequired:
      LookForCredentials(context);
      break;
    case State::kReady:
      if (refresh_ == Refresh::kReplacing) {
        next_token_ = token;
      } else if (token != token_) {
        Offer(token, context);
      }
      break;
  }
}

void Connection::FetchToken(StepContext* context) {
  fetch_ = fetch_.Next();
  fetching_ = true;
  fetch_again_ = false;
  context->Emit(FetchCredentials{fetch_}, Release::kNow);
}

void Connection::Keep(const base::Secret& token, StepContext* context) {
  kept_token_ = token;
  context->Emit(KeepCredentials{token}, Release::kNow);
}

void Connection::OnSignOut(StepContext* context) {
  SetOnPurpose(model::OnPurpose::kSignedOut, context);
  Keep(base::Secret(), context);
  Stop("a client signed out", context);
  SetState(State::kStopped, "a client signed out", context);
  token_ = base::Secret();
  kept_before_ = base::Secret();
  refusals_.clear();
  status_.last_error_code.clear();
  status_.last_error_message.clear();
  status_.last_error_at.reset();
}

void Connection::ForgetAccount(StepContext* context) {
  binding_.user = model::UserId();
  user_ = model::UserId();
  context->tables().PutBinding(binding_);
  context->tables().staged()->RequireSync();
}

void Connection::ArmRefresh(StepContext* context) {
  refresh_ = Refresh::kNone;
  refresh_problem_.clear();
  const auto expires_at = wire::ReadTokenClaims(token_.Reveal()).expires_at;
  status_.token_expires_at.reset();
  if (!expires_at.has_value()) {
    context->StopTimer({TimerKind::kTokenRefresh, {}});
    return;
  }
  status_.token_expires_at = *expires_at - server_ahead_;
  const absl::Duration left =
      *status_.token_expires_at - context->wall() - kRefreshAhead;
  context->SetTimerIn(
      {TimerKind::kTokenRefresh, {}},
      std::clamp(left, options_.credentials_retry, kMaxRefreshSleep));
}

void Connection::EndRefresh(absl::Duration again_in, StepContext* context) {
  refresh_ = Refresh::kNone;
  next_token_ = base::Secret();
  context->SetTimerIn({TimerKind::kTokenRefresh, {}}, again_in);
}

void Connection::OnRefreshTimer(StepContext* context) {
  switch (refresh_) {
    case Refresh::kNone:
    case Refresh::kFetching:  // never answered
      break;
    case Refresh::kOffered:
      BeginReplacing(context);
      return;
    case Refresh::kReplacing:
      Replace(context);
      return;
  }
  if (!status_.token_expires_at.has_value()) return;
  if (*status_.token_expires_at - kRefreshAhead > context->wall()) {
    ArmRefresh(context);
    return;
  }
  refresh_ = Refresh::kFetching;
  context->SetTimerIn({TimerKind::kTokenRefresh, {}},
                      options_.credentials_retry);
  FetchToken(context);
}

void Connection::OnRefreshFetched(const absl::StatusOr<base::Secret>& token,
                                  StepContext* context) {
  std::string problem;
  if (!token.ok()) {
    problem = std::string(token.status().message());
  } else if (token->empty() || *token == token_) {
    problem = "there is no newer one yet";
  } else if (const Refusal* refusal = RefusalOf(*token)) {
    problem = refusal->words;
    if (*token == kept_token_) Keep(base::Secret(), context);
  } else {
    const wire::TokenClaims claims = wire::ReadTokenClaims(token->Reveal());
    problem = claims.problem;
    if (problem.empty() && !IdentityAllowed(claims.user)) {
      problem = "the newer one is another account's";
    }
  }
  if (problem.empty()) {
    Offer(*token, context);
    return;
  }
  // The server decides how long it takes the old one.
  context->LogLine(problem == refresh_problem_ ? Log::Severity::kDebug
                                               : Log::Severity::kWarning,
                   absl::StrCat("the token expires soon: ", problem));
  refresh_problem_ = problem;
  EndRefresh(options_.credentials_retry, context);
}

void Connection::Offer(const base::Secret& token, StepContext* context) {
  const wire::Request request = wire::EncodeAuthRefresh(token.Reveal());
  auto [id, frame] = session_->EncodeRequest(request.event, request.payload);
  next_token_ = token;
  offer_ = RequestId(id + 1);
  refresh_ = Refresh::kOffered;
  context->Emit(SendFrame{connection_, std::move(frame)}, Release::kNow);
  context->SetTimerIn({TimerKind::kTokenRefresh, {}}, kOfferTimeout);
}

void Connection::OnOfferAnswered(const wire::Answer& answer,
                                 StepContext* context) {
  if (!answer.error.has_value()) {
    token_ = std::move(next_token_);
    next_token_ = base::Secret();
    context->LogLine(Log::Severity::kInfo, "the token was renewed");
    ArmRefresh(context);
    return;
  }
  if (answer.error->error_class == wire::ErrorClass::kAuth) {
    const std::string words = absl::StrCat(
        "the server refused the newer token: ", answer.error->message);
    Refuse(next_token_, answer.error->code, words);
    SetError(answer.error->code, words, context);
    if (kept_token_ == next_token_) Keep(kept_before_, context);
    EndRefresh(options_.credentials_retry, context);
    return;
  }
  BeginReplacing(context);
}

void Connection::BeginReplacing(StepContext* context) {
  refresh_ = Refresh::kReplacing;
  context->SetTimerIn({TimerKind::kTokenRefresh, {}}, kReplacePatience);
  ReplaceWhenIdle(context);
}

void Connection::ReplaceWhenIdle(StepContext* context) {
  if (refresh_ == Refresh::kReplacing && unanswered_.empty()) Replace(context);
}

void Connection::Replace(StepContext* context) {
  const base::Secret token = next_token_;
  Drop("the token is renewed", /*closed_by_server=*/false, context);
  was_ready_ = false;
  Open(token, "the token is renewed", context);
}

}  // namespace parley::core
