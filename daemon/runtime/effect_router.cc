#include "daemon/runtime/effect_router.h"

#include <utility>
#include <variant>

#include "daemon/base/logging.h"

namespace parley::runtime {
namespace {

base::logging::Level LevelOf(core::Log::Severity severity) {
  switch (severity) {
    case core::Log::Severity::kDebug:
      return base::logging::Level::kDebug;
    case core::Log::Severity::kInfo:
      return base::logging::Level::kInfo;
    case core::Log::Severity::kWarning:
      return base::logging::Level::kWarning;
  }
  return base::logging::Level::kWarning;
}

}  // namespace

void EffectRouter::Perform(core::EffectBody effect) {
  std::visit([this](auto& body) { Route(&body); }, effect);
}

void EffectRouter::Route(core::Reply* effect) {
  ports_.clients->OnReply(effect->call, std::move(effect->result));
}

void EffectRouter::Route(core::OpenConnection* effect) {
  connection_ = effect->connection;
  ports_.transport->Open(effect->connection, effect->server_url);
}

void EffectRouter::Route(core::SendFrame* effect) {
  ports_.transport->Send(effect->connection, std::move(effect->text));
}

void EffectRouter::Route(core::CloseConnection* effect) {
  if (connection_ == effect->connection) connection_.reset();
  ports_.transport->Close(effect->connection);
}

void EffectRouter::Route(core::FetchCredentials* effect) {
  ports_.credentials->Fetch(effect->fetch);
}

void EffectRouter::Route(core::KeepCredentials* effect) {
  ports_.credentials->Keep(std::move(effect->token));
}

void EffectRouter::Route(core::SetTimer* effect) {
  ports_.timers->Set(std::move(effect->timer), effect->at);
}

void EffectRouter::Route(core::CancelTimer* effect) {
  ports_.timers->Cancel(effect->timer);
}

void EffectRouter::Route(core::FeedAdvanced* effect) {
  ports_.clients->OnFeedAdvanced(effect->last);
}

void EffectRouter::Route(core::StatusChanged* effect) {
  ports_.clients->OnStatus(effect->status);
}

// The engine that knew of these is gone.
void EffectRouter::Route(core::EngineRebuilt*) {
  ports_.timers->Clear();
  if (connection_.has_value()) ports_.transport->Close(*connection_);
  connection_.reset();
}

void EffectRouter::Route(core::Log* effect) {
  base::logging::Log(LevelOf(effect->severity), effect->text);
}

}  // namespace parley::runtime
