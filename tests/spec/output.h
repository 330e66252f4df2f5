#ifndef TESTS_SPEC_OUTPUT_H_
#define TESTS_SPEC_OUTPUT_H_

#include <set>
#include <string>
#include <vector>

#include "daemon/base/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/model/ids.h"
#include "daemon/storage/store.h"

namespace parley::spec {

// Effects as the lines that scripts expect:
//
//   reply 3: OK accepted c1 queued
//   fetch | open | close | rebuilt
//   frame message:send(general, c1, "hello", after=c0)
//   timer send_timeout(general) in 10s       no timer send_timeout(general)
//   status READY queued=1 failed=0 rooms=1/1
//   feed outbox c1: c1 SENDING sends=1       what the change feed says
//
// Waits that are drawn at random have no number. A timer that was not set is
// not told to be off. Log lines are left out: they are prose.
class Output {
 public:
  explicit Output(const storage::Store* const* store) : store_(store) {}

  void Add(const core::EffectBody& effect, base::MonotonicTime now);
  void OnFired(const core::TimerId& timer);
  // The lines since the last call.
  std::vector<std::string> Take();
  // A new process: its timers are off, and what the store shows is no news.
  void Reset();

 private:
  void AddFeed();

  const storage::Store* const* const store_;
  model::ChangeSeq feed_;
  std::set<core::TimerId> timers_;  // that are set
  std::vector<std::string> lines_;
};

}  // namespace parley::spec

#endif  // TESTS_SPEC_OUTPUT_H_
