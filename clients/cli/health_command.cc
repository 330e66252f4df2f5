#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/status_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kUpstreamService[] = "parley.upstream";
// Between two watches, when a daemon answers but the watch ends at once.
constexpr absl::Duration kWatchPause = absl::Milliseconds(100);

struct HealthOptions {
  absl::Duration wait;  // zero: do not
  bool upstream = false;
};

// What is unwell, and the exit code that says so.
struct Trouble {
  std::string text;  // in the daemon's own words
  ExitCode code = kRefused;
};

Trouble AskForTrouble(const HealthOptions& options, Context& context) {
  v1::GetStatusResponse response;
  const grpc::Status status = Context::CallUntil(
      absl::Now() + context.timeout,
      &v1::DaemonService::StubInterface::GetStatus, context.client.daemon(),
      v1::GetStatusRequest(), &response);
  if (!status.ok()) return {status.error_message()};
  if (options.upstream) {
    const v1::ConnectionStatus& connection = response.status().connection();
    return {
        absl::StrCat("the connection is ", StateCell(connection.state()).text,
                     ", ", DescribeConnection(context, connection)),
        connection.state() == v1::CONNECTION_STATE_CREDENTIALS_REQUIRED
            ? kCredentialsNeeded
            : kRefused};
  }
  const v1::StoreStatus& store = response.status().store();
  return {
      absl::StrCat("the store is ",
                   EnumWord(v1::StoreState_Name(store.state()), "STORE_STATE_"),
                   store.error().empty() ? "" : ": ", store.error())};
}

ExitCode ReportServing(const HealthCheckResponse& response, Context& context) {
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({Cell("serving", Style::kGood)});
  }
  return kDone;
}

ExitCode Check(const HealthOptions& options, Context& context) {
  HealthCheckRequest request;
  if (options.upstream) request.set_service(kUpstreamService);
  HealthCheckResponse response;
  const grpc::Status status =
      context.Call(&Health::StubInterface::Check, context.client.health(),
                   request, &response);
  if (!status.ok()) return context.Fail("check the health", status);
  if (response.status() == HealthCheckResponse::SERVING) {
    return ReportServing(response, context);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({Cell("not serving", Style::kBad)});
  }
  const Trouble trouble = AskForTrouble(options, context);
  context.out.Note(absl::StrCat("not healthy: ", trouble.text));
  return trouble.code;
}

// Reads one watch until the service is well, or the stream ends.
bool WatchUntilServing(const HealthCheckRequest& request, absl::Time deadline,
                       Context& context, HealthCheckResponse* response,
                       grpc::Status* end) {
  grpc::ClientContext call;
  call.set_deadline(absl::ToChronoTime(deadline));
  // Covers a socket that is not there yet, and one that nobody listens on.
  call.set_wait_for_ready(true);
  const auto reader = context.client.health().Watch(&call, request);
  while (reader->Read(response)) {
    if (response->status() == HealthCheckResponse::SERVING) {
      call.TryCancel();
      reader->Finish();
      return true;
    }
  }
  *end = reader->Finish();
  return false;
}

ExitCode Wait(const HealthOptions& options, Context& context) {
  HealthCheckRequest request;
  if (options.upstream) request.set_service(kUpstreamService);
  const absl::Time deadline = absl::Now() + options.wait;
  HealthCheckResponse response;
  grpc::Status end;
  while (absl::Now() < deadline) {
    if (WatchUntilServing(request, deadline, context, &response, &end)) {
      return ReportServing(response, context);
    }
    absl::SleepFor(std::min(kWatchPause, deadline - absl::Now()));
  }
  const absl::Status probe = client::ProbeSocket(context.client.socket_path());
  context.out.Note(absl::StrCat(
      "not healthy after ", absl::FormatDuration(options.wait), ": ",
      !probe.ok() ? std::string(probe.message())
      : end.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED
          ? end.error_message()
          : AskForTrouble(options, context).text));
  return kTimedOut;
}

}  // namespace

void AddHealthCommand(CLI::App* app, Command* chosen) {
  CLI::App* verb = AddVerb(
      app, "health",
      "End with 0 when the daemon and its store serve, also while offline",
      "parleyctl health --wait 30s --upstream");
  const auto options = std::make_shared<HealthOptions>();
  AddDurationOption(verb, "--wait", &options->wait,
                    "wait this long for it, also for the daemon to start; 6 "
                    "when it is over");
  verb->add_flag("--upstream", options->upstream,
                 "ask for the connection to the server");
  verb->callback([chosen, options] {
    *chosen = [options](Context& context) {
      return options->wait > absl::ZeroDuration() ? Wait(*options, context)
                                                  : Check(*options, context);
    };
  });
}

}  // namespace parley::cli
