#ifndef DAEMON_CORE_FANOUT_FANOUT_H_
#define DAEMON_CORE_FANOUT_FANOUT_H_

#include <optional>

#include "daemon/core/api/step.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"

namespace parley::core {

// What streams are told at the end of a step: once for everything that the step
// changed. Durable objects are not copied to anyone: streams learn how far the
// change feed has grown, and read it at their own pace. Single-threaded.
class Fanout {
 public:
  // Tells what differs from what was told last.
  void Finish(const model::CoreStatus& status, StepContext* context);

  // Where the feed stood when the engine was built: no news.
  void SetFeedEnd(model::ChangeSeq last) { told_change_ = last; }

 private:
  model::ChangeSeq told_change_;
  std::optional<model::CoreStatus> told_status_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_FANOUT_FANOUT_H_
