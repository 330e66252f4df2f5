// Runs the simulation on seeds N to N+K-1: exit 0 when all hold, 1 and the seed
// at the first that does not.
#include <cstdint>
#include <iostream>
#include <limits>

#include "CLI/CLI.hpp"
#include "tests/sim/simulation.h"

namespace {

// Seeds from a commit's hash are cut to this as well.
constexpr uint64_t kMaxSeed =
    static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

}  // namespace

// CLI11 throws where an option is declared wrongly: that may end the program.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  CLI::App app{
      "Simulates daemons, network, disk and server in virtual time, and judges "
      "every step."};
  uint64_t seed = 1;
  uint64_t seeds = 1;
  bool trace = false;
  app.add_option("--seed", seed, "The first seed, below 2^63")
      ->check(CLI::Range(uint64_t{0}, kMaxSeed));
  app.add_option("--seeds", seeds, "How many seeds, one after the other")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
  app.add_flag("--trace", trace, "Print everything that happens");
  CLI11_PARSE(app, argc, argv);

  for (uint64_t i = 0; i < seeds; ++i) {
    parley::sim::RunOptions options;
    options.seed = (seed + i) & kMaxSeed;
    if (trace) options.keep = parley::sim::Trace::Keep::kEverything;
    const parley::sim::RunResult result = parley::sim::RunSeed(options);
    if (trace || !result.ok()) std::cout << result.trace;
    if (!result.ok()) {
      std::cout << "seed " << options.seed << " FAILED: " << result.failure
                << "\n"
                << parley::sim::ReproduceLine(options.seed) << "\n";
      return 1;
    }
    std::cout << "seed " << options.seed << " ok, trace " << std::hex
              << result.trace_hash << std::dec << "\n";
  }
  return 0;
}
