#ifndef TESTS_SPEC_OUTPUT_H_
#define TESTS_SPEC_OUTPUT_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"
#include "daemon/storage/store.h"

namespace parley::spec {

// Effects as the lines that scripts expect:
//
//   reply 3: OK accepted c1 queued
//   fetch | close | rebuilt
//   open, or open URL where a case has several servers
//   keep token 2 | forget credentials
//   frame CONNECT with token 2
//   frame message:send(general, c1, "hello", after=c0)
//   timer send_timeout(general) in 10s       no timer send_timeout(general)
//   status READY queued=1 failed=0 rooms=1/1 attempt=1 quality=GOOD
//   feed outbox c1: c1 SENDING sends=1       what the change feed says
//   feed of a new epoch                      it may say less than before
//   feed without news                        streams look, and find nothing
//
// Waits that are drawn at random have no number. A timer that was not set is
// not told to be off. Log lines are left out: they are prose.
class Output {
 public:
  explicit Output(const storage::Store* const* store) : store_(store) {}

  void Add(const core::EffectBody& effect, base::MonotonicTime now);
  void AddLine(std::string line) { lines_.push_back(std::move(line)); }
  void OnFired(const core::TimerId& timer);
  // Tokens are known by their number: the first that is told is number 1.
  void OnToken(const std::string& token) { tokens_.push_back(token); }
  // The lines since the last call.
  std::vector<std::string> Take();
  // A new process: its timers are off, and what the store shows is no news.
  void Reset();

 private:
  void AddFeed();
  // Of the change feed, from 1.
  uint64_t Epoch() const;
  std::string TokenName(absl::string_view token) const;
  std::string FrameLine(const std::string& text) const;
  std::string StatusLine(const model::CoreStatus& status) const;

  const storage::Store* const* const store_;
  model::ChangeSeq feed_;
  uint64_t epoch_ = 0;
  std::vector<std::string> tokens_;
  std::set<core::TimerId> timers_;  // that are set
  std::vector<std::string> lines_;
};

}  // namespace parley::spec

#endif  // TESTS_SPEC_OUTPUT_H_
