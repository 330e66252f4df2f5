#ifndef TESTS_SIM_TRACE_H_
#define TESTS_SIM_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tests/sim/scheduler.h"

namespace parley::sim {

// What happened in a run, one line each, in order. Two runs of one seed have
// equal traces, byte for byte; a failure is explained by the last lines.
class Trace {
 public:
  enum class Keep { kLastLines, kEverything };

  Trace(const Scheduler* scheduler, Keep keep)
      : scheduler_(scheduler), keep_(keep) {}

  template <typename... Parts>
  void Line(const Parts&... parts) {
    Append(absl::StrCat(parts...));
  }

  // Of every line so far.
  uint64_t hash() const { return hash_; }
  uint64_t lines() const { return lines_; }
  // All that is kept, a line each.
  std::string Text() const;

 private:
  void Append(const std::string& text);

  const Scheduler* const scheduler_;
  const Keep keep_;
  uint64_t hash_ = 0xcbf29ce484222325u;  // FNV-1a
  uint64_t lines_ = 0;
  std::deque<std::string> kept_;
};

// Counts how often rare branches were reached, by name: a smoke test that never
// saw an ambiguous resend proves nothing about it.
class Probes {
 public:
  void Hit(absl::string_view name) { ++counts_[std::string(name)]; }
  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  void Add(const Probes& other);

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_TRACE_H_
