#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/humane.h"
#include "clients/cli/status_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::DaemonService::StubInterface;

// More than the daemon takes; it says what that is.
constexpr size_t kMaxTokenBytes = 1024 * 1024;

ExitCode SetToken(Context& context) {
  v1::SetCredentialsRequest request;
  if (!context.ReadStdin(kMaxTokenBytes, request.mutable_token())) {
    context.out.Note(absl::StrCat("cannot set the token: stdin has more than ",
                                  HumaneBytes(kMaxTokenBytes)));
    return kLimitReached;
  }
  if (!IsUtf8(request.token())) {
    context.out.Note("cannot set the token: stdin is no UTF-8");
    return kUsage;
  }
  v1::SetCredentialsResponse response;
  const grpc::Status status = context.Call(
      &Stub::SetCredentials, context.client.daemon(), request, &response);
  if (!status.ok()) return context.Fail("set the token", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line(
        {"the daemon has the token, until it stops; 'parleyctl auth show' says "
         "what the server makes of it"});
  }
  return kDone;
}

ExitCode Show(Context& context) {
  v1::GetStatusResponse response;
  const grpc::Status status =
      context.Call(&Stub::GetStatus, context.client.daemon(),
                   v1::GetStatusRequest(), &response);
  if (!status.ok()) return context.Fail("show the account", status);
  const v1::ConnectionStatus& connection = response.status().connection();
  if (context.out.is_json()) {
    context.out.Json(connection);
    return kDone;
  }
  std::vector<std::pair<std::string, Cell>> rows = {
      {"account", DescribeAccount(connection)},
      {"token", DescribeToken(connection)},
      {"connection", StateCell(connection.state())},
      {"", DescribeConnection(context, connection)},
  };
  context.out.Properties(rows);
  return kDone;
}

ExitCode SignOut(const v1::SignOutRequest& request, Context& context) {
  v1::SignOutResponse response;
  const grpc::Status status =
      context.Call(&Stub::SignOut, context.client.daemon(), request, &response);
  if (!status.ok()) return context.Fail("sign out", status);
  if (context.out.is_json()) {
    context.out.Json(response);
    return kDone;
  }
  context.out.Line({absl::StrCat(
      "signed out; ",
      request.discard_outbox()
          ? absl::StrCat(Count(response.discarded_entries(), "queued message",
                               "queued messages"),
                         " discarded")
          : "what is queued is kept",
      request.wipe_cache() ? ", rooms and messages forgotten"
                           : ", rooms and messages kept")});
  return kDone;
}

}  // namespace

void AddAuthCommands(CLI::App* app, Command* chosen) {
  CLI::App* auth = AddNoun(app, "auth", "Sign in and out");
  AddVerb(auth, "set-token",
          "Give the daemon a token, read from stdin and kept in memory only",
          "parleyctl auth set-token <token")
      ->callback([chosen] { *chosen = SetToken; });
  AddVerb(auth, "show",
          "Which account it is, until when its token is good, and what went "
          "wrong; never the token",
          "parleyctl auth show")
      ->callback([chosen] { *chosen = Show; });

  CLI::App* verb = AddVerb(
      auth, "sign-out",
      "Go offline and forget the token that was given; what is queued and what "
      "was received is kept, unless an option says otherwise",
      "parleyctl auth sign-out --discard-queue --wipe-cache");
  const auto request = std::make_shared<v1::SignOutRequest>();
  verb->add_flag_callback(
      "--discard-queue", [request] { request->set_discard_outbox(true); },
      "discard the messages that the server does not have yet");
  verb->add_flag_callback(
      "--wipe-cache", [request] { request->set_wipe_cache(true); },
      "forget the rooms and the messages that were received");
  verb->callback([chosen, request] {
    *chosen = [request](Context& context) {
      return SignOut(*request, context);
    };
  });
}

}  // namespace parley::cli
