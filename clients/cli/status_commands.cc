#include "clients/cli/status_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::DaemonService::StubInterface;

ExitCode Status(Context& context) {
  v1::GetStatusResponse response;
  const grpc::Status status =
      context.Call(&Stub::GetStatus, context.client.daemon(),
                   v1::GetStatusRequest(), &response);
  if (!status.ok()) return context.Fail("tell the status", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    PrintStatus(response.status(), context);
  }
  return kDone;
}

ExitCode Connect(Context& context) {
  v1::ConnectResponse response;
  const grpc::Status status = context.Call(
      &Stub::Connect, context.client.daemon(), v1::ConnectRequest(), &response);
  if (!status.ok()) return context.Fail("go online", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({"going online, and staying so"});
  }
  return kDone;
}

ExitCode Disconnect(Context& context) {
  v1::DisconnectResponse response;
  const grpc::Status status =
      context.Call(&Stub::Disconnect, context.client.daemon(),
                   v1::DisconnectRequest(), &response);
  if (!status.ok()) return context.Fail("go offline", status);
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({"offline until 'parleyctl connect'"});
  }
  return kDone;
}

}  // namespace

void AddStatusCommands(CLI::App* app, Command* chosen) {
  AddVerb(app, "status", "Connection, server, queue, rooms, clients and store",
          "parleyctl status --json")
      ->callback([chosen] { *chosen = Status; });
  AddVerb(app, "connect", "Go online, and stay so over restarts",
          "parleyctl connect")
      ->callback([chosen] { *chosen = Connect; });
  AddVerb(app, "disconnect",
          "Stay offline on purpose, over restarts too; messages are queued",
          "parleyctl disconnect")
      ->callback([chosen] { *chosen = Disconnect; });
}

}  // namespace parley::cli
