#ifndef TESTS_SIM_DESCRIBE_H_
#define TESTS_SIM_DESCRIBE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/model/change.h"
#include "daemon/model/connection.h"
#include "daemon/model/outbox.h"
#include "daemon/model/sync.h"

// Events, effects and objects as lines that a person can read and two runs can
// be compared by: for traces and for what spec scripts expect.
namespace parley::sim {

std::string Describe(const core::Event& event);

// Timers are told relative to `now`; frames are decoded.
std::string Describe(const core::EffectBody& effect, base::MonotonicTime now);

// A frame from the device, for example
//   message:send(general, c1, "hello", after=c0)
std::string DescribeFrame(absl::string_view text);

std::string Describe(const absl::StatusOr<core::ReplyBody>& result);
std::string Describe(const model::SyncStatus& status);
std::string Describe(const model::CoreStatus& status);
std::string Describe(const model::OutboxEntry& entry);
// An object of the change feed: first what names it, then what it says.
std::string ChangeKey(const model::Change& change);
std::string ChangeValue(const model::Change& change);

absl::string_view OutboxStateName(model::OutboxState state);
absl::string_view FailureName(model::FailureReason reason);
absl::string_view OutcomeName(model::SentRecord::Outcome outcome);
absl::string_view OutcomeName(model::CancelOutcome outcome);

}  // namespace parley::sim

#endif  // TESTS_SIM_DESCRIBE_H_
