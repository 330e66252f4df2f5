#include "clients/cli/sync_text.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/humane.h"

namespace parley::cli {

absl::string_view DescribeTrigger(v1::SyncTrigger trigger) {
  switch (trigger) {
    case v1::SYNC_TRIGGER_CONNECT:
      return "a connect";
    case v1::SYNC_TRIGGER_REQUEST:
      return "a client";
    case v1::SYNC_TRIGGER_GAP:
      return "messages that did not come";
    case v1::SYNC_TRIGGER_RETRY:
      return "rooms that had an error";
    case v1::SYNC_TRIGGER_JOIN:
      return "a room that was joined";
    default:
      return "something else";
  }
}

std::string DescribeSyncProgress(const v1::SyncState& state) {
  std::string text;
  if (state.phase() == v1::SYNC_PHASE_RUNNING) {
    absl::StrAppend(&text, state.progress_percent(), " %, ");
  }
  absl::StrAppend(&text, state.rooms_done(), " of ",
                  Count(state.rooms_total(), "room", "rooms"));
  if (state.rooms_failed() > 0) {
    absl::StrAppend(&text, ", ", state.rooms_failed(), " failed");
  }
  absl::StrAppend(&text, ", ",
                  Count(state.messages_read(), "message", "messages"));
  return text;
}

Cell DescribeSync(const v1::SyncState& state) {
  if (state.phase() == v1::SYNC_PHASE_IDLE) {
    return Cell("none since the daemon started");
  }
  std::string text =
      absl::StrCat(EnumWord(v1::SyncPhase_Name(state.phase()), "SYNC_PHASE_"),
                   ", ", DescribeSyncProgress(state));
  if (!state.error().empty()) absl::StrAppend(&text, ": ", state.error());
  const Style style = state.phase() == v1::SYNC_PHASE_RUNNING ? Style::kBusy
                      : HasLeftSomething(state)               ? Style::kBad
                                                              : Style::kGood;
  return Cell(std::move(text), style);
}

bool HasLeftSomething(const v1::SyncState& state) {
  switch (state.phase()) {
    case v1::SYNC_PHASE_FAILED:
    case v1::SYNC_PHASE_CANCELLED:
      return true;
    case v1::SYNC_PHASE_COMPLETED:
      return state.rooms_failed() > 0;
    default:
      return false;
  }
}

}  // namespace parley::cli
