#ifndef TESTS_SPEC_SPEC_CASE_H_
#define TESTS_SPEC_SPEC_CASE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/core/sync_engine.h"
#include "nlohmann/json.hpp"
#include "tests/sim/sim_server.h"

namespace parley::spec {

// Keeps members in the order of the file, so that it can be written again.
using Json = nlohmann::ordered_json;

// Where a case names no servers.
inline constexpr char kOnlyServer[] = "ws://spec.invalid";

// One script, as a file has it:
//
//   {"name": "...", "shows": "the rule or the bug",
//    "options": {...}, "steps": [{"<action>": ..., "expect": ["...", ...]}]}
//
// A step is one action and everything that it leads to, in order. The actions
// are those of script.cc, the lines those of output.cc.
struct SpecCase {
  std::string file;
  std::string name;
  std::string shows;
  Json options;
  Json steps;

  // What `options` says.
  uint64_t seed = 1;
  std::string user = "alice";
  bool manual_commits = false;
  core::EngineOptions engine;
  sim::ServerOptions server;
};

// INVALID_ARGUMENT names the case and the member that is wrong or unknown.
absl::StatusOr<std::vector<SpecCase>> ReadCases(const std::string& path);

// The file's text with these cases.
std::string WriteCases(const std::vector<SpecCase>& cases);

// All files of cases, sorted.
std::vector<std::string> CaseFiles(const std::string& folder);

}  // namespace parley::spec

#endif  // TESTS_SPEC_SPEC_CASE_H_
