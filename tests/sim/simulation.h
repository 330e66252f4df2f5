#ifndef TESTS_SIM_SIMULATION_H_
#define TESTS_SIM_SIMULATION_H_

#include <cstdint>
#include <string>

#include "tests/sim/trace.h"

namespace parley::sim {

// Ways to break a promise on purpose, outside of the daemon, to prove that the
// auditor sees it.
enum class Sabotage {
  kNone,
  kDiskForgetsSynced,     // a power cut takes a synced commit along
  kStoreReportsEarly,     // a commit is reported before it is made
  kServerForgetsRepeats,  // although it says that it de-duplicates
  kServerIgnoresOrder,    // and the network lets frames pass each other
  kServerSkipsHistory,    // a page of it lacks a message
  kNetworkSendsTwice,     // to a server that does not de-duplicate
  kServerNeverAnswers,    // also after the faults are over
};

struct RunOptions {
  uint64_t seed = 0;
  Trace::Keep keep = Trace::Keep::kLastLines;
  Sabotage sabotage = Sabotage::kNone;
};

struct RunResult {
  std::string failure;  // empty: every invariant held, and all converged
  std::string trace;    // the last lines, or all of them
  uint64_t trace_hash = 0;
  uint64_t trace_lines = 0;
  uint64_t actions = 0;
  Probes probes;

  bool ok() const { return failure.empty(); }
};

// One run of one seed, from an empty disk to rest: first with faults, then
// without, when everything must converge. The same options give the same
// result, to the last byte of the trace.
RunResult RunSeed(const RunOptions& options);

// How to see a failure again, for a person.
std::string ReproduceLine(uint64_t seed);

}  // namespace parley::sim

#endif  // TESTS_SIM_SIMULATION_H_
