#include "tests/sim/swarm.h"

#include <algorithm>

namespace parley::sim {
namespace {

// A rate per thousand up to `most`, or none at all.
int Rate(base::Rng* rng, int most) {
  return rng->OneIn(2) ? 0 : static_cast<int>(rng->Between(1, most));
}

// Of all clients together, in one run.
constexpr int64_t kMaxActs = 200;
constexpr uint64_t kMaxMessages = 200;

void Without(const char* capability, ServerOptions* server) {
  auto& names = server->capabilities;
  names.erase(std::remove(names.begin(), names.end(), capability), names.end());
}

ServerOptions DrawServer(base::Rng* rng) {
  ServerOptions server;
  server.auth_refresh = rng->OneIn(2);
  switch (rng->Below(8)) {
    case 0:
      server.plugin = true;
      break;
    case 1:
      Without("dedup.client-message-id", &server);
      break;
    case 2:
      Without("send.ordered", &server);
      break;
    case 3:
      Without("dedup.client-message-id", &server);
      Without("send.ordered", &server);
      Without("ack.message-id", &server);
      break;
    case 4:
      Without("rooms.membership", &server);
      Without("history.cursor", &server);
      break;
    default:
      break;
  }
  server.ordered_window = static_cast<uint32_t>(rng->Between(1, 16));
  if (rng->OneIn(3)) {
    server.commit_delay = rng->DurationUpTo(absl::Milliseconds(80));
  }
  return server;
}

ServerFaults DrawServerFaults(base::Rng* rng) {
  ServerFaults faults;
  // An overloaded server refuses most of what it gets.
  faults.rate_limited = rng->OneIn(6) ? 600 : Rate(rng, 120);
  faults.internal_error = Rate(rng, 300);
  faults.lost_answer = Rate(rng, 80);
  faults.no_answer = Rate(rng, 40);
  faults.close_before = Rate(rng, 40);
  faults.answer_twice = Rate(rng, 200);
  faults.answer_first = Rate(rng, 400);
  faults.join_refused = Rate(rng, 200);
  faults.sync_refused = Rate(rng, 200);
  faults.unknown_event = Rate(rng, 100);
  faults.illegal_frame = rng->OneIn(3) ? Rate(rng, 15) : 0;
  return faults;
}

NetworkFaults DrawNetwork(base::Rng* rng) {
  NetworkFaults faults;
  faults.refuse = Rate(rng, 300);
  faults.half_open = Rate(rng, 100);
  faults.slow_connect = Rate(rng, 150);
  faults.silent_death = Rate(rng, 500);
  faults.late_frames = rng->OneIn(2) ? 0 : 1000;
  faults.stall = Rate(rng, 60);
  faults.latency = absl::Milliseconds(rng->Between(1, 120));
  if (!rng->OneIn(4)) faults.mean_life = absl::Seconds(rng->Between(3, 40));
  return faults;
}

StoreFaults DrawStore(base::Rng* rng) {
  StoreFaults faults;
  faults.latency = absl::Milliseconds(rng->Between(1, 30));
  faults.slow = Rate(rng, 100);
  faults.fail_before = Rate(rng, 12);
  faults.fail_after = Rate(rng, 12);
  faults.full = rng->OneIn(3) ? Rate(rng, 12) : 0;
  faults.recover_fails = Rate(rng, 300);
  return faults;
}

DeviceFaults DrawDevice(base::Rng* rng) {
  DeviceFaults faults;
  faults.crash_before_commit = Rate(rng, 8);
  faults.crash_after_commit = Rate(rng, 8);
  faults.crash_after_effect = Rate(rng, 3);
  faults.power_cut = static_cast<int>(rng->Between(0, 1000));
  faults.down_time = absl::Milliseconds(rng->Between(10, 8000));
  faults.no_token = rng->OneIn(2) ? Rate(rng, 200) : 0;
  faults.bad_token = rng->OneIn(2) ? Rate(rng, 200) : 0;
  faults.short_token = rng->OneIn(3) ? Rate(rng, 500) : 0;
  return faults;
}

}  // namespace

Plan DrawPlan(base::Rng* rng) {
  Plan plan;
  plan.server = DrawServer(rng);
  plan.server_faults = DrawServerFaults(rng);
  plan.network = DrawNetwork(rng);
  plan.store = DrawStore(rng);
  plan.device = DrawDevice(rng);
  plan.users = {"alice"};
  if (rng->OneIn(3)) plan.users.push_back("bob");
  plan.workload.rooms = {"general", "ops/\xc3\xbc", "dm:alice:bob"};
  plan.workload.rooms.resize(1 + rng->Below(3));
  plan.workload.marked_messages = rng->OneIn(2);
  plan.workload.burst = static_cast<int>(rng->Between(1, 24));
  plan.max_entries = rng->OneIn(3) ? 12 : 200;
  plan.max_bytes = rng->OneIn(3) ? 2000 : 100000;
  plan.max_answered_failures = rng->OneIn(3) ? 2 : 5;
  plan.hold_ambiguous = rng->OneIn(4);
  plan.safety_phase = absl::Seconds(rng->Between(30, 90));
  // A seed is cheap, however lively it is: so much happens, and no more.
  const int64_t users = static_cast<int64_t>(plan.users.size());
  plan.workload.mean_pause =
      plan.safety_phase / rng->Between(25, kMaxActs / users);
  plan.workload.max_messages = kMaxMessages / static_cast<uint64_t>(users);
  if (rng->OneIn(2)) {
    plan.mean_server_life = absl::Seconds(rng->Between(5, 40));
    plan.history_loss = Rate(rng, 600);
  }
  return plan;
}

}  // namespace parley::sim
