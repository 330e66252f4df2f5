#include "daemon/core/sync_engine.h"

#include <utility>

#include "daemon/base/check.h"
#include "daemon/model/errors.h"

namespace parley::core {
namespace {

// For exhaustive visits: a new alternative without a case does not compile.
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

absl::Status SigningOut() {
  return model::WithRetryAfter(
      model::MakeError(absl::StatusCode::kFailedPrecondition,
                       model::ErrorReason::kWrongState,
                       "a sign-out is still at work; try again in a moment"),
      absl::Seconds(1));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SyncEngine>> SyncEngine::Create(
    const EngineOptions& options, storage::Tables* tables, base::Rng rng) {
  std::unique_ptr<SyncEngine> engine(new SyncEngine(options, tables, rng));
  if (absl::Status status = engine->Load(); !status.ok()) return status;
  return engine;
}

SyncEngine::SyncEngine(const EngineOptions& options, storage::Tables* tables,
                       base::Rng rng)
    : tables_(tables),
      rng_(rng),
      connection_(options.connection),
      rooms_(&connection_),
      outbox_(options.outbox, &connection_, &rooms_),
      sync_(&connection_, &rooms_) {}

absl::Status SyncEngine::Load() {
  if (absl::Status status = connection_.Load(*tables_); !status.ok()) {
    return status;
  }
  if (absl::Status status = rooms_.Load(*tables_); !status.ok()) return status;
  if (absl::Status status = outbox_.Load(*tables_); !status.ok()) {
    return status;
  }
  if (absl::Status status = erasure_.Load(*tables_); !status.ok()) {
    return status;
  }
  for (const model::RoomId& room : outbox_.QueuedRooms()) {
    rooms_.SetQueued(room, true);
  }
  fanout_.SetFeedEnd(tables_->last_change());
  return absl::OkStatus();
}

absl::StatusOr<Step> SyncEngine::Handle(Event event, base::Now now) {
  StepContext context(now, tables_, &rng_);
  absl::Status status = Route(&event, &context);
  if (status.ok()) status = RouteComponents(&context);
  if (status.ok()) status = RouteConnection(&context);
  std::vector<Effect> effects = context.TakeEffects();
  if (!status.ok()) {
    for (const Effect& effect : effects) {
      const auto* reply = std::get_if<Reply>(&effect.body);
      if (reply != nullptr) unanswered_.push_back(reply->call);
    }
    return status;
  }
  fanout_.Finish(Status(), &context);
  Step step;
  step.transaction = tables_->staged()->TakeTransaction();
  step.transaction_number = tables_->staged()->last_taken();
  step.effects = std::move(effects);
  for (Effect& effect : context.TakeEffects()) {
    step.effects.push_back(std::move(effect));
  }
  return step;
}

std::vector<CallId> SyncEngine::WaitingCalls() const {
  std::vector<CallId> calls = outbox_.WaitingCalls();
  calls.insert(calls.end(), unanswered_.begin(), unanswered_.end());
  for (const CallId call : erasure_.WaitingCalls()) calls.push_back(call);
  return calls;
}

absl::Status SyncEngine::RouteComponents(StepContext* context) {
  while (rooms_.has_outputs() || outbox_.has_outputs()) {
    if (absl::Status status = RouteRooms(context); !status.ok()) return status;
    if (absl::Status status = RouteOutbox(context); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

model::CoreStatus SyncEngine::Status() const {
  model::CoreStatus status;
  status.connection = connection_.status();
  status.capabilities = connection_.capabilities();
  status.outbox = outbox_.status();
  status.rooms = rooms_.status();
  status.sync = sync_.status();
  if (status.connection.state == model::ConnectionState::kReady &&
      sync_.catching_up()) {
    status.connection.state = model::ConnectionState::kCatchingUp;
  }
  return status;
}

absl::Status SyncEngine::Route(Event* event, StepContext* context) {
  return std::visit(
      Overloaded{
          [&](Started&) {
            connection_.OnStarted(context);
            erasure_.OnStarted(context);
            return outbox_.OnStarted(context);
          },
          [&](Command& command) { return RouteCommand(&command, context); },
          [&](TransportOpened& opened) {
            connection_.OnOpened(opened, context);
            return absl::OkStatus();
          },
          [&](TextReceived& text) {
            connection_.OnText(text, context);
            return absl::OkStatus();
          },
          [&](BinaryReceived& binary) {
            connection_.OnBinary(binary, context);
            return absl::OkStatus();
          },
          [&](TransportClosed& closed) {
            connection_.OnClosed(closed, context);
            return absl::OkStatus();
          },
          [&](CredentialsFetched& fetched) {
            connection_.OnCredentials(fetched, context);
            return absl::OkStatus();
          },
          [&](TimerFired& fired) { return RouteTimer(fired.timer, context); },
          [&](NetworkChanged& changed) {
            connection_.OnNetworkChanged(changed, context);
            return absl::OkStatus();
          },
          [&](SystemResumed&) {
            connection_.OnResumed(context);
            return absl::OkStatus();
          },
      },
      *event);
}

absl::Status SyncEngine::RouteCommand(Command* command, StepContext* context) {
  const CallId call = command->call;
  return std::visit(
      Overloaded{
          [&](SendMessage& send) {
            return outbox_.Accept(call, &send, context);
          },
          [&](JoinRoom& join) { return rooms_.Join(call, join.room, context); },
          [&](LeaveRoom& leave) {
            return rooms_.Leave(call, leave.room, context);
          },
          [&](RetryMessage& retry) {
            return outbox_.Retry(call, retry.client_id, context);
          },
          [&](CancelMessage& cancel) {
            return outbox_.Cancel(call, cancel.client_id, context);
          },
          [&](FlushOutbox&) {
            connection_.RetryNow(context);
            rooms_.RetryNow(context);
            return outbox_.Flush(call, context);
          },
          [&](Connect&) {
            if (erasure_.running()) {
              context->ReplyTo(call, SigningOut());
            } else {
              connection_.OnConnect(call, context);
            }
            return absl::OkStatus();
          },
          [&](Disconnect&) {
            connection_.OnDisconnect(call, context);
            return absl::OkStatus();
          },
          [&](SetCredentials& credentials) {
            if (erasure_.running()) {
              context->ReplyTo(call, SigningOut());
            } else {
              connection_.OnSetCredentials(call, credentials.token, context);
            }
            return absl::OkStatus();
          },
          [&](SignOut& sign_out) {
            connection_.OnSignOut(context);
            erasure_.Begin(call, sign_out, context);
            return absl::OkStatus();
          },
          [&](StartSync& start) {
            sync_.Start(call, start, context);
            return absl::OkStatus();
          },
          [&](CancelSync&) {
            sync_.Cancel(call, context);
            return absl::OkStatus();
          },
          [&](GetStatus&) {
            context->Emit(Reply{call, StatusReply{Status()}}, Release::kNow);
            return absl::OkStatus();
          },
      },
      command->body);
}

absl::Status SyncEngine::RouteTimer(const TimerId& timer,
                                    StepContext* context) {
  switch (timer.kind) {
    case TimerKind::kConnectRetry:
    case TimerKind::kConnectTimeout:
    case TimerKind::kPingTimeout:
    case TimerKind::kStable:
    case TimerKind::kProbeTimeout:
    case TimerKind::kQualitySample:
    case TimerKind::kTokenRefresh:
      connection_.OnTimer(timer, context);
      return absl::OkStatus();
    case TimerKind::kJoinTimeout:
    case TimerKind::kJoinRetry:
      return rooms_.OnTimer(timer, context);
    case TimerKind::kSendTimeout:
    case TimerKind::kSendRetry:
    case TimerKind::kExpiry:
    case TimerKind::kPruneSent:
      return outbox_.OnTimer(timer, context);
    case TimerKind::kSyncTimeout:
    case TimerKind::kSyncRetry:
    case TimerKind::kSyncDeadline:
      return sync_.OnTimer(timer, context);
    case TimerKind::kErase:
      return RouteErasure(context);
    case TimerKind::kRelaxedSync:
      // The host's own.
      return absl::OkStatus();
  }
  PARLEY_CHECK(false);
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteConnection(StepContext* context) {
  for (ConnectionOutput& output : connection_.TakeOutputs()) {
    absl::Status status = std::visit(
        Overloaded{
            [&](BecameReady&) {
              outbox_.OnReady();
              sync_.OnReady(context);
              rooms_.OnReady(context);
              return absl::OkStatus();
            },
            [&](BecameLost& lost) {
              rooms_.OnLost(context);
              sync_.OnLost(lost.reason, context);
              return outbox_.OnLost(lost.reason, lost.closed_by_server,
                                    context);
            },
            [&](Answered& answered) { return RouteAnswer(answered, context); },
            [&](ServerSaid& said) {
              return RouteServerEvent(said.event, context);
            },
        },
        output);
    if (status.ok()) status = RouteComponents(context);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteAnswer(const Answered& answered,
                                     StepContext* context) {
  switch (answered.owner) {
    case RequestOwner::kRooms:
      return rooms_.OnAnswer(answered.request, answered.answer, context);
    case RequestOwner::kOutbox:
      return outbox_.OnAnswer(answered.request, answered.answer, context);
    case RequestOwner::kSync: {
      absl::Status status =
          sync_.OnAnswer(answered.request, answered.answer, context);
      return status.ok() ? RouteHistory(context) : status;
    }
  }
  PARLEY_CHECK(false);
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteHistory(StepContext* context) {
  const std::optional<HistoryRead> read = sync_.TakeOutput();
  if (!read.has_value()) return absl::OkStatus();
  for (const wire::MessageReceived& received : read->messages) {
    absl::Status status =
        RouteMessage(received, Timeline::Source::kHistory, context);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteMessage(const wire::MessageReceived& received,
                                      Timeline::Source source,
                                      StepContext* context) {
  const model::Message& message = received.message;
  if (message.sender.empty() || message.sender == connection_.user()) {
    absl::Status status = outbox_.OnEcho(message, context);
    if (status.ok()) status = RouteComponents(context);
    if (!status.ok()) return status;
  }
  if (received.deleted) return timeline_.OnDeleted(message, context);
  return timeline_.OnReceived(message, source, connection_.capabilities(),
                              context);
}

absl::Status SyncEngine::RouteServerEvent(const wire::ServerEvent& event,
                                          StepContext* context) {
  return std::visit(
      Overloaded{
          [&](const wire::Ready&) { return absl::OkStatus(); },
          [&](const wire::MessageReceived& received) {
            sync_.OnSeen(received.message.room, received.change, context);
            return RouteMessage(received, Timeline::Source::kLive, context);
          },
          [&](const wire::RoomChanged& changed) {
            sync_.OnChanged(changed.room, changed.change, context);
            return absl::OkStatus();
          },
          [&](const wire::MemberChanged& changed) {
            rooms_.OnMemberChanged(changed, context);
            return absl::OkStatus();
          },
          // The connection's own.
          [&](const wire::PongReceived&) { return absl::OkStatus(); },
          [&](const wire::UnknownEvent& unknown) {
            context->LogLine(Log::Severity::kDebug,
                             "ignored an unknown event: " + unknown.name);
            return absl::OkStatus();
          },
          [&](const wire::MalformedEvent& malformed) {
            context->LogLine(Log::Severity::kWarning,
                             "the server sent a malformed " + malformed.name +
                                 " event: " + malformed.problem);
            return absl::OkStatus();
          },
      },
      event);
}

absl::Status SyncEngine::RouteErasure(StepContext* context) {
  const std::optional<Erasure::Part> part = erasure_.next();
  if (!part.has_value()) {
    if (erasure_.everything()) connection_.ForgetAccount(context);
    erasure_.Finish(context);
    return absl::OkStatus();
  }
  absl::StatusOr<size_t> count = 0;
  switch (*part) {
    case Erasure::Part::kOutbox:
      count = outbox_.Discard(Erasure::kMaxAStep, context);
      break;
    case Erasure::Part::kMessages:
      count = timeline_.Wipe(Erasure::kMaxAStep, context);
      break;
    case Erasure::Part::kRooms:
      count = rooms_.Wipe(Erasure::kMaxAStep, context);
      break;
  }
  if (!count.ok()) return count.status();
  erasure_.OnErased(*count, context);
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteRooms(StepContext* context) {
  for (RoomsOutput& output : rooms_.TakeOutputs()) {
    absl::Status status = std::visit(
        Overloaded{
            [&](RoomSettled& settled) {
              absl::Status joined = absl::OkStatus();
              if (settled.joined) {
                joined = sync_.OnRoomJoined(settled.room, settled.last_change,
                                            context);
              }
              return joined.ok() ? outbox_.OnRoomSettled(settled.room, context)
                                 : joined;
            },
            [&](RoomRefused& refused) {
              sync_.OnRoomRefused(refused.room, refused.error, context);
              return absl::OkStatus();
            },
            [&](RoomUnsettled& unsettled) {
              sync_.OnRoomUnsettled(unsettled.room, context);
              outbox_.OnRoomUnsettled(unsettled.room);
              return absl::OkStatus();
            },
        },
        output);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SyncEngine::RouteOutbox(StepContext* context) {
  for (OutboxOutput& output : outbox_.TakeOutputs()) {
    absl::Status status = std::visit(
        Overloaded{
            [&](EntryAccepted& accepted) {
              return timeline_.OnEntryAccepted(accepted.entry,
                                               connection_.user(), context);
            },
            [&](EntryChanged& changed) {
              return timeline_.OnEntryChanged(changed.entry, context);
            },
            [&](EntrySent& sent) {
              // Where changes are counted, the echo has the number.
              if (!connection_.capabilities().changes) {
                sync_.OnSeen(sent.entry.room, sent.result.room_seq, context);
              }
              return timeline_.OnEntrySent(sent.entry, sent.result,
                                           connection_.user(),
                                           connection_.capabilities(), context);
            },
            [&](EntryCancelled& cancelled) {
              return timeline_.OnEntryCancelled(cancelled.entry,
                                                connection_.user(), context);
            },
            [&](QueueFilled& filled) {
              rooms_.SetQueued(filled.room, true);
              return absl::OkStatus();
            },
            [&](QueueDrained& drained) {
              rooms_.OnQueueDrained(drained.room, context);
              return absl::OkStatus();
            },
        },
        output);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace parley::core
