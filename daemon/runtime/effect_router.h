#ifndef DAEMON_RUNTIME_EFFECT_ROUTER_H_
#define DAEMON_RUNTIME_EFFECT_ROUTER_H_

#include <optional>

#include "daemon/core/step_executor.h"
#include "daemon/runtime/ports.h"
#include "daemon/runtime/timer_queue.h"

namespace parley::runtime {

// Brings each effect of the core to whom it is for. Core thread; keeps no
// state but which connection the core has.
class EffectRouter : public core::EffectSink {
 public:
  // All must outlive the router.
  struct Ports {
    TransportPort* transport;
    CredentialsPort* credentials;
    ClientPort* clients;
    TimerQueue* timers;
  };

  explicit EffectRouter(const Ports& ports) : ports_(ports) {}

  void Perform(core::EffectBody effect) override;

 private:
  void Route(core::Reply* effect);
  void Route(core::OpenConnection* effect);
  void Route(core::SendFrame* effect);
  void Route(core::CloseConnection* effect);
  void Route(core::FetchCredentials* effect);
  void Route(core::KeepCredentials* effect);
  void Route(core::SetTimer* effect);
  void Route(core::CancelTimer* effect);
  void Route(core::FeedAdvanced* effect);
  void Route(core::StatusChanged* effect);
  void Route(core::EngineRebuilt* effect);
  void Route(core::Log* effect);

  const Ports ports_;
  std::optional<core::ConnectionId> connection_;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_EFFECT_ROUTER_H_
