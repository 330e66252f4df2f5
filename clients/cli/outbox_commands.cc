#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/message_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::OutboxService::StubInterface;

constexpr int kPageSize = 1000;

struct ListOptions {
  std::string room;
  bool failed_only = false;
};

ExitCode List(const ListOptions& options, Context& context) {
  v1::ListOutboxResponse all;
  v1::ListOutboxRequest request;
  request.set_page_size(kPageSize);
  request.set_room(options.room);
  request.set_failed_only(options.failed_only);
  do {
    v1::ListOutboxResponse page;
    const grpc::Status status = context.Call(
        &Stub::ListOutbox, context.client.outbox(), request, &page);
    if (!status.ok()) return context.Fail("list the outbox", status);
    for (v1::OutboxEntry& entry : *page.mutable_entries()) {
      *all.add_entries() = std::move(entry);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());

  if (context.out.format() == OutputFormat::kJson) {
    context.out.Json(all);
  } else if (context.out.format() == OutputFormat::kJsonLines) {
    for (const v1::OutboxEntry& entry : all.entries()) context.out.Json(entry);
  } else if (all.entries().empty()) {
    context.out.Note("nothing is waiting to be sent");
  } else {
    std::vector<std::vector<Cell>> rows;
    for (const v1::OutboxEntry& entry : all.entries()) {
      rows.push_back({entry.client_message_id(), entry.room(),
                      OutboxCell(entry.state()),
                      HumaneDuration(absl::Now() - ToTime(entry.accepted_at())),
                      absl::StrCat(entry.sends()), DescribeFailure(entry),
                      DescribeText(entry)});
    }
    context.out.Table({"ID", "ROOM", "STATE", "AGE", "SENDS", "ERROR", "TEXT"},
                      rows);
  }
  return kDone;
}

ExitCode Show(const std::string& id, Context& context) {
  v1::GetOutboxEntryRequest request;
  request.set_client_message_id(id);
  v1::GetOutboxEntryResponse response;
  const grpc::Status status = context.Call(
      &Stub::GetOutboxEntry, context.client.outbox(), request, &response);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("show outbox entry ", id), status);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
    return kDone;
  }
  const v1::OutboxEntry& entry = response.entry();
  std::vector<std::pair<std::string, Cell>> rows = {
      {"id", entry.client_message_id()},
      {"room", entry.room()},
      {"state", OutboxCell(entry.state())},
      {"accepted", context.Format(entry.accepted_at())},
  };
  if (entry.has_expires_at()) {
    rows.emplace_back("expires", context.Format(entry.expires_at()));
  }
  rows.emplace_back("sends", absl::StrCat(entry.sends()));
  if (const std::string failure = DescribeFailure(entry); !failure.empty()) {
    rows.emplace_back("error", Cell(failure, Style::kBad));
  }
  rows.emplace_back("text", DescribeText(entry));
  bool first = true;
  for (const v1::OutboxAttempt& event : entry.history()) {
    rows.emplace_back(
        first ? "history" : "",
        absl::StrCat(context.Format(event.time()), "  ", event.what(),
                     event.detail().empty() ? "" : ": ", event.detail()));
    first = false;
  }
  context.out.Properties(rows);
  return kDone;
}

ExitCode Retry(const std::string& id, Context& context) {
  v1::RetryMessageRequest request;
  request.set_client_message_id(id);
  v1::RetryMessageResponse response;
  const grpc::Status status = context.Call(
      &Stub::RetryMessage, context.client.outbox(), request, &response);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("retry message ", id), status);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({"queued", id});
  }
  return kDone;
}

ExitCode Cancel(const std::string& id, Context& context) {
  v1::CancelMessageRequest request;
  request.set_client_message_id(id);
  v1::CancelMessageResponse response;
  const grpc::Status status = context.Call(
      &Stub::CancelMessage, context.client.outbox(), request, &response);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("cancel message ", id), status);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({EnumWord(v1::CancelOutcome_Name(response.outcome()),
                               "CANCEL_OUTCOME_"),
                      id});
  }
  switch (response.outcome()) {
    case v1::CANCEL_OUTCOME_ALREADY_SENT:
      context.out.Note(absl::StrCat("cannot cancel message ", id,
                                    ": the server has it already"));
      return kConflict;
    case v1::CANCEL_OUTCOME_POSSIBLY_SENT:
      context.out.Note(absl::StrCat(
          "message ", id,
          " is cancelled, but an earlier try may have reached the server"));
      return kDone;
    default:
      return kDone;
  }
}

ExitCode Flush(Context& context) {
  v1::FlushOutboxResponse response;
  const grpc::Status status =
      context.Call(&Stub::FlushOutbox, context.client.outbox(),
                   v1::FlushOutboxRequest(), &response);
  if (!status.ok()) return context.Fail("flush the outbox", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line(
        {absl::StrCat("trying ", Count(response.queued(), "queued message",
                                       "queued messages"))});
  }
  return kDone;
}

using EntryCommand = ExitCode (*)(const std::string& id, Context& context);

void AddEntryVerb(CLI::App* outbox, const std::string& name,
                  const std::string& description, EntryCommand command,
                  Command* chosen) {
  CLI::App* verb =
      AddVerb(outbox, name, description,
              absl::StrCat("parleyctl outbox ", name,
                           " 0190c1f2-7b1a-7c3e-8f00-1234567890ab"));
  const auto id = std::make_shared<std::string>();
  verb->add_option("CLIENT_MESSAGE_ID", *id,
                   "the message's name, as 'message send' printed it")
      ->required()
      ->type_name("");
  verb->callback([chosen, id, command] {
    *chosen = [id, command](Context& context) { return command(*id, context); };
  });
}

}  // namespace

void AddOutboxCommands(CLI::App* app, Command* chosen) {
  CLI::App* outbox =
      AddNoun(app, "outbox", "Messages that the server does not have yet");

  CLI::App* list = AddVerb(outbox, "list", "What waits, and what failed",
                           "parleyctl outbox list --failed");
  const auto options = std::make_shared<ListOptions>();
  AddRoomOption(list, &options->room);
  list->add_flag("--failed", options->failed_only,
                 "only messages that are parked after a failure");
  list->callback([chosen, options] {
    *chosen = [options](Context& context) { return List(*options, context); };
  });

  AddEntryVerb(outbox, "show", "One message, with what happened to it so far",
               Show, chosen);
  AddEntryVerb(outbox, "retry",
               "Queue a failed message again, at the end of its room", Retry,
               chosen);
  AddEntryVerb(outbox, "cancel",
               "Take a message out, and tell whether that was in time", Cancel,
               chosen);
  AddVerb(outbox, "flush", "Try everything now, without waiting for a backoff",
          "parleyctl outbox flush")
      ->callback([chosen] { *chosen = Flush; });
}

}  // namespace parley::cli
