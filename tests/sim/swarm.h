#ifndef TESTS_SIM_SWARM_H_
#define TESTS_SIM_SWARM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/base/rng.h"
#include "tests/sim/device.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_server.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/workload.h"

namespace parley::sim {

// What one run is like. A run with every fault at once hides what each of them
// breaks, so the seed draws a mix: which faults there are, and how many.
struct Plan {
  ServerOptions server;
  ServerFaults server_faults;
  NetworkFaults network;
  StoreFaults store;
  DeviceFaults device;
  Workload::Options workload;
  std::vector<std::string> users;
  uint64_t max_entries = 0;
  uint64_t max_bytes = 0;
  int max_answered_failures = 0;
  bool hold_ambiguous = false;
  // While faults and clients are at work.
  absl::Duration safety_phase;
  // Of the server's restarts; zero: none.
  absl::Duration mean_server_life;
  int history_loss = 0;  // of restarts, in a thousand
};

Plan DrawPlan(base::Rng* rng);

}  // namespace parley::sim

#endif  // TESTS_SIM_SWARM_H_
