#ifndef TESTS_SIM_SIM_NETWORK_H_
#define TESTS_SIM_SIM_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "daemon/core/api/event.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/trace.h"

namespace parley::sim {

// How often, in a thousand, the network misbehaves, and how slow it is.
struct NetworkFaults {
  int refuse = 0;        // a connect is refused
  int half_open = 0;     // a connect is never answered
  int slow_connect = 0;  // a connect takes up to half a minute
  int silent_death = 0;  // of dying links: nobody is told
  int late_frames = 0;   // of ended links: what was sent still arrives
  int stall = 0;         // of frames: up to three seconds more
  absl::Duration latency = absl::Milliseconds(5);
  // A link dies after up to twice this; zero: it lives for ever.
  absl::Duration mean_life;
  // Sabotage, what an auditor must catch: frames to the server swap places.
  int swap = 0;
  // Sabotage: a frame to the server arrives twice.
  int twice = 0;
};

// Where a device hears of its connections.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void OnLinkEvent(core::Event event) = 0;
};

// The network between the devices and the server. A link is one WebSocket:
//
//   (open) -> refused
//          -> half-open, for ever silent
//          -> up -> ended by the device, the server or a death
//
// Frames of one link and direction keep their order. A link that died tells
// each end later, or never. Frames that were on the way when it ended are lost,
// or the server still gets them: so a server may learn of a send after it
// has seen the next connection of the same device.
class SimNetwork : public ServerLinks {
 public:
  SimNetwork(Scheduler* scheduler, Trace* trace, Probes* probes, base::Rng rng)
      : scheduler_(scheduler), trace_(trace), probes_(probes), rng_(rng) {}

  // Before anything else. The server must outlive the network's last event.
  void SetServer(SimServer* server) { server_ = server; }
  void SetFaults(const NetworkFaults& faults) { faults_ = faults; }
  // While the server's process is down, connects are refused.
  void SetServerUp(bool up) { server_up_ = up; }

  // From a device. Its events carry `connection`.
  LinkId Open(LinkOwner* owner, core::ConnectionId connection);
  void Send(LinkId link, std::string text);
  // The device hears nothing more of the link; nor does a device that is gone.
  void CloseByDevice(LinkId link);
  // Whether the link can still carry a frame from the device to the server.
  bool CarriesToServer(LinkId link) const;

  // ServerLinks.
  void ToClient(LinkId link, std::string frame) override;
  void EndByServer(LinkId link) override;

  // All links die now; each end is told at once. For the end of the faults.
  void CutAll();

 private:
  struct Link {
    LinkOwner* owner = nullptr;  // null: the device is done with it
    core::ConnectionId connection;
    bool opened = false;     // the device was told
    bool at_server = false;  // the server knows it and has not let it go
    bool dead = false;       // it carries nothing new, in either direction
    bool late = false;       // what was sent to the server still arrives
    base::MonotonicTime next_up;
    base::MonotonicTime next_down;
    std::string held;  // sabotage: a frame that lets another one pass
  };

  bool OneIn1000(int per_mille);
  Link* Find(LinkId link);
  // When a frame sent now arrives, not before the one ahead of it.
  base::MonotonicTime Arrival(base::MonotonicTime* next);
  void Establish(LinkId id);
  void Transmit(LinkId id, Link* link, std::string text);
  void Die(LinkId id);
  void TellDevice(LinkId id, absl::Duration delay, uint16_t close_code,
                  const std::string& reason);
  void TellServer(LinkId id, absl::Duration delay);
  // Forgets the link once neither end has it.
  void Release(LinkId id);

  Scheduler* const scheduler_;
  Trace* const trace_;
  Probes* const probes_;
  base::Rng rng_;
  SimServer* server_ = nullptr;
  NetworkFaults faults_;
  bool server_up_ = true;
  LinkId last_link_ = 0;
  std::map<LinkId, Link> links_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_SIM_NETWORK_H_
