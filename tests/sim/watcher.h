#ifndef TESTS_SIM_WATCHER_H_
#define TESTS_SIM_WATCHER_H_

#include <map>
#include <optional>
#include <string>

#include "daemon/storage/queries.h"
#include "daemon/storage/store.h"
#include "tests/sim/trace.h"
#include "tests/sim/truth.h"

namespace parley::sim {

// A UI that follows the change feed: it keeps what it was told, and a resume
// token over restarts of its own and of the daemon. What it shows must in the
// end be what the store says.
class Watcher {
 public:
  Watcher(std::string name, const storage::ChangeFilter& filter,
          const storage::Store* store, Verdict* verdict, Probes* probes)
      : name_(std::move(name)),
        filter_(filter),
        store_(store),
        verdict_(verdict),
        probes_(probes) {}

  // Reads on, up to what the store shows now.
  void Read();
  // The stream ended: the next Read resumes from the token.
  void Detach() { attached_ = false; }
  // A new UI: no token, nothing shown.
  void Forget();
  // Compares what is shown with the store.
  void CheckCaughtUp() const;

 private:
  using View = std::map<std::string, std::string>;

  bool Apply(const storage::StoreReader& reader, model::ChangeSeq* after,
             View* view) const;

  const std::string name_;
  const storage::ChangeFilter filter_;
  const storage::Store* const store_;
  Verdict* const verdict_;
  Probes* const probes_;

  bool attached_ = false;
  std::string token_;  // as a client keeps it; empty: none
  model::ChangeSeq after_;
  View view_;
};

}  // namespace parley::sim

#endif  // TESTS_SIM_WATCHER_H_
