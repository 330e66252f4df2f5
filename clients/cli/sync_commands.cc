#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/sync_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::SyncService::StubInterface;

struct NowOptions {
  std::string room;
  absl::Duration deadline;  // zero: none
  bool wait = false;
};

// Begins a run, or joins the one that is on, and follows it to its end.
class Catchup {
 public:
  Catchup(const NowOptions& options, Context& context)
      : options_(options),
        context_(context),
        left_(options.deadline),
        end_(absl::Now() + options.deadline) {}

  ExitCode Run() {
    grpc::Status status = Start(context_.deadline);
    if (!status.ok()) return context_.Fail("catch up", status);
    if (!options_.wait) return Print(kDone);
    while (status.ok() && IsOn()) {
      status = Follow();
      // Another run is on, and the end of this one went by unseen. What is
      // asked for again costs little where it was read already.
      if (status.ok() && IsOn()) status = StartAgain();
    }
    if (status.ok()) return Report();
    if (absl::Now() < context_.wait_deadline) {
      return Print(context_.Fail("tell whether it has caught up", status));
    }
    context_.out.Note(absl::StrCat("not caught up within ",
                                   absl::FormatDuration(context_.timeout),
                                   "; the daemon goes on"));
    return Print(kTimedOut);
  }

 private:
  const v1::SyncState& state() const { return response_.state(); }
  bool IsOn() const { return state().phase() == v1::SYNC_PHASE_RUNNING; }

  grpc::Status Start(absl::Time until) {
    v1::StartSyncRequest request;
    request.set_room(options_.room);
    if (left_ > absl::ZeroDuration()) {
      *request.mutable_deadline() = ToProto(left_);
    }
    return Context::CallUntil(until, &Stub::StartSync, context_.client.sync(),
                              request, &response_);
  }

  grpc::Status StartAgain() {
    const absl::Time now = absl::Now();
    if (left_ > absl::ZeroDuration()) {
      left_ = std::max(end_ - now, absl::Milliseconds(1));
    }
    told_percent_ = 0;
    return Start(std::min(context_.wait_deadline, now + context_.timeout));
  }

  // Reads on until the run has ended, or another one has begun.
  grpc::Status Follow() {
    grpc::ClientContext call;
    call.set_deadline(absl::ToChronoTime(context_.wait_deadline));
    const auto reader =
        context_.client.sync().WatchSync(&call, v1::WatchSyncRequest());
    v1::WatchSyncResponse batch;
    while (reader->Read(&batch)) {
      for (const v1::SyncState& update : batch.updates()) {
        // The stream may begin with what was before the answer.
        if (update.run() < state().run()) continue;
        if (update.run() == state().run()) Take(update);
        if (update.run() > state().run() || !IsOn()) {
          call.TryCancel();
          reader->Finish();
          return grpc::Status::OK;
        }
      }
    }
    return reader->Finish();
  }

  void Take(const v1::SyncState& update) {
    *response_.mutable_state() = update;
    if (IsOn() && update.progress_percent() > told_percent_) {
      told_percent_ = update.progress_percent();
      context_.out.Note(
          absl::StrCat("catching up: ", DescribeSyncProgress(update)));
    }
  }

  ExitCode Report() {
    for (const v1::SyncRoomError& error : state().errors()) {
      context_.out.Note(absl::StrCat("cannot catch up with room \"",
                                     error.room(), "\": ", error.error()));
    }
    if (state().rooms_failed() > state().errors_size()) {
      context_.out.Note(
          absl::StrCat("the same with ",
                       Count(state().rooms_failed() - state().errors_size(),
                             "more room", "more rooms")));
    }
    if (!state().error().empty()) {
      context_.out.Note(absl::StrCat("cannot catch up: ", state().error(),
                                     "; what was read is kept"));
    }
    return Print(HasLeftSomething(state()) ? kRefused : kDone);
  }

  ExitCode Print(ExitCode code) {
    if (context_.out.is_json()) {
      context_.out.Json(response_);
    } else {
      context_.out.Line({DescribeSync(state())});
    }
    return code;
  }

  const NowOptions& options_;
  Context& context_;
  absl::Duration left_;  // of --deadline; zero: there is none
  const absl::Time end_;
  v1::StartSyncResponse response_;  // brought up to date
  int told_percent_ = 0;
};

ExitCode State(Context& context) {
  v1::GetSyncStateResponse response;
  const grpc::Status status =
      context.Call(&Stub::GetSyncState, context.client.sync(),
                   v1::GetSyncStateRequest(), &response);
  if (!status.ok())
    return context.Fail("tell how far it has caught up", status);
  if (context.out.is_json()) {
    context.out.Json(response);
    return kDone;
  }
  const v1::SyncState& state = response.state();
  std::vector<std::pair<std::string, Cell>> rows = {
      {"state", DescribeSync(state)}};
  if (state.run() > 0) {
    rows.emplace_back("begun by",
                      std::string(DescribeTrigger(state.trigger())));
  }
  if (state.has_started_at()) {
    rows.emplace_back("began", context.Format(state.started_at()));
  }
  if (state.has_ended_at()) {
    rows.emplace_back("ended", context.Format(state.ended_at()));
  }
  if (state.rooms_restarted() > 0) {
    rows.emplace_back(
        "restarted",
        absl::StrCat(Count(state.rooms_restarted(), "room", "rooms"),
                     ", whose history began anew on the server"));
  }
  for (const v1::SyncRoomError& error : state.errors()) {
    rows.emplace_back(
        "error",
        Cell(absl::StrCat(error.room(), ": ", error.error()), Style::kBad));
  }
  context.out.Properties(rows);
  return kDone;
}

ExitCode Cancel(Context& context) {
  v1::CancelSyncResponse response;
  const grpc::Status status =
      context.Call(&Stub::CancelSync, context.client.sync(),
                   v1::CancelSyncRequest(), &response);
  if (!status.ok()) return context.Fail("cancel the catch-up", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({DescribeSync(response.state())});
  }
  return kDone;
}

}  // namespace

void AddSyncCommands(CLI::App* app, Command* chosen) {
  CLI::App* sync =
      AddNoun(app, "sync", "Catching up with what was missed while offline");

  CLI::App* verb = AddVerb(
      sync, "now", "Read what is missing, without waiting for the daemon to",
      "parleyctl sync now --room general --wait");
  const auto options = std::make_shared<NowOptions>();
  AddRoomOption(verb, &options->room)
      ->description("only this room (default: all)");
  AddDurationOption(verb, "--deadline", &options->deadline,
                    "end it as failed when it takes longer");
  verb->add_flag("--wait", options->wait,
                 "tell the progress and end with it; 1 unless every room was "
                 "read");
  verb->callback([chosen, options] {
    *chosen = [options](Context& context) {
      return Catchup(*options, context).Run();
    };
  });

  AddVerb(sync, "state", "How far it is, or how it ended",
          "parleyctl sync state --json")
      ->callback([chosen] { *chosen = State; });
  AddVerb(sync, "cancel",
          "End it; what was read is kept, the rest is read on the next connect "
          "or 'sync now'",
          "parleyctl sync cancel")
      ->callback([chosen] { *chosen = Cancel; });
}

}  // namespace parley::cli
