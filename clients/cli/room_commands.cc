#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"
#include "clients/cli/status_text.h"
#include "clients/cli/verb.h"

namespace parley::cli {
namespace {

using Stub = v1::RoomService::StubInterface;

// How long a join is waited for while the daemon is connected.
constexpr absl::Duration kJoinWait = absl::Seconds(5);
constexpr int kPageSize = 1000;

std::string Quoted(const std::string& room) {
  return absl::StrCat("\"", room, "\"");
}

std::string RoomKind(const v1::Room& room) {
  return room.kind() == v1::ROOM_KIND_UNSPECIFIED
             ? "-"
             : EnumWord(v1::RoomKind_Name(room.kind()), "ROOM_KIND_");
}

std::string MemberCount(const v1::Room& room) {
  return room.member_count() == 0 ? "-" : absl::StrCat(room.member_count());
}

// Whether the daemon is connected, or why not.
bool IsConnectedNow(Context& context, std::string* why_not) {
  v1::GetStatusResponse response;
  const grpc::Status status =
      context.Call(&v1::DaemonService::StubInterface::GetStatus,
                   context.client.daemon(), v1::GetStatusRequest(), &response);
  const v1::ConnectionStatus& connection = response.status().connection();
  if (status.ok() && IsConnected(connection.state())) return true;
  *why_not =
      status.ok() ? StateCell(connection.state()).text : status.error_message();
  return false;
}

// Waits until the server has answered the join, and brings `*room` up to
// date. Fails with DEADLINE_EXCEEDED when it takes too long.
grpc::Status AwaitAnswer(Context& context, v1::Room* room) {
  grpc::ClientContext call;
  call.set_deadline(
      absl::ToChronoTime(std::min(context.deadline, absl::Now() + kJoinWait)));
  const auto reader =
      context.client.rooms().WatchRooms(&call, v1::WatchRoomsRequest());
  v1::WatchRoomsResponse batch;
  while (reader->Read(&batch)) {
    for (const v1::RoomUpdate& update : batch.updates()) {
      if (update.removed_room() == room->name()) {
        return grpc::Status(grpc::StatusCode::ABORTED,
                            "somebody left the room meanwhile");
      }
      if (update.room().name() != room->name()) continue;
      *room = update.room();
      if (room->join_state() != v1::JOIN_STATE_PENDING) {
        call.TryCancel();
        reader->Finish();
        return grpc::Status::OK;
      }
    }
  }
  return reader->Finish();
}

ExitCode Join(const std::string& name, Context& context) {
  const std::string doing = absl::StrCat("join room ", Quoted(name));
  v1::JoinRoomRequest request;
  request.set_room(name);
  v1::JoinRoomResponse response;
  grpc::Status status =
      context.Call(&Stub::JoinRoom, context.client.rooms(), request, &response);
  if (!status.ok()) return context.Fail(doing, status);

  v1::Room* room = response.mutable_room();
  std::string pending;
  if (room->join_state() == v1::JOIN_STATE_PENDING) {
    std::string why_not;
    if (!IsConnectedNow(context, &why_not)) {
      pending = absl::StrCat("the daemon is not connected (", why_not,
                             "), the room is joined when it is");
    } else {
      status = AwaitAnswer(context, room);
      if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
        pending = "the server has not answered yet, the daemon keeps asking";
      } else if (!status.ok()) {
        return context.Fail(doing, status);
      }
    }
  }

  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({RoomCell(*room), room->name()});
  }
  if (room->join_state() == v1::JOIN_STATE_FAILED) {
    context.out.Note(absl::StrCat("cannot ", doing, ": ", room->last_error(),
                                  "; the daemon keeps trying, until 'parleyctl "
                                  "room leave'"));
    return kRefused;
  }
  if (!pending.empty()) {
    context.out.Note(
        absl::StrCat("room ", Quoted(name), " is pending: ", pending));
  }
  return kDone;
}

ExitCode Leave(const std::string& name, Context& context) {
  v1::LeaveRoomRequest request;
  request.set_room(name);
  v1::LeaveRoomResponse response;
  const grpc::Status status = context.Call(
      &Stub::LeaveRoom, context.client.rooms(), request, &response);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("leave room ", Quoted(name)), status);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
  } else {
    context.out.Line({"left", name});
  }
  return kDone;
}

ExitCode List(Context& context) {
  v1::ListRoomsResponse all;
  v1::ListRoomsRequest request;
  request.set_page_size(kPageSize);
  do {
    v1::ListRoomsResponse page;
    const grpc::Status status =
        context.Call(&Stub::ListRooms, context.client.rooms(), request, &page);
    if (!status.ok()) return context.Fail("list the rooms", status);
    for (v1::Room& room : *page.mutable_rooms()) {
      *all.add_rooms() = std::move(room);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());

  if (context.out.format() == OutputFormat::kJson) {
    context.out.Json(all);
  } else if (context.out.format() == OutputFormat::kJsonLines) {
    for (const v1::Room& room : all.rooms()) context.out.Json(room);
  } else if (all.rooms().empty()) {
    context.out.Note("no rooms; 'parleyctl room join --room NAME' joins one");
  } else {
    std::vector<std::vector<Cell>> rows;
    for (const v1::Room& room : all.rooms()) {
      rows.push_back({room.name(), RoomCell(room), RoomKind(room),
                      MemberCount(room), room.last_error()});
    }
    context.out.Table({"ROOM", "STATE", "KIND", "MEMBERS", "ERROR"}, rows);
  }
  return kDone;
}

ExitCode Show(const std::string& name, Context& context) {
  v1::GetRoomRequest request;
  request.set_room(name);
  v1::GetRoomResponse response;
  const grpc::Status status =
      context.Call(&Stub::GetRoom, context.client.rooms(), request, &response);
  if (!status.ok()) {
    return context.Fail(absl::StrCat("show room ", Quoted(name)), status);
  }
  if (context.out.is_json()) {
    context.out.Json(response);
    return kDone;
  }
  const v1::Room& room = response.room();
  std::vector<std::pair<std::string, Cell>> rows = {
      {"room", room.name()},
      {"state", RoomCell(room)},
      {"kind", RoomKind(room)},
      {"members", MemberCount(room)},
      {"joined", context.Format(room.joined_at())},
  };
  if (!room.last_error().empty()) {
    rows.emplace_back("error", Cell(room.last_error(), Style::kBad));
  }
  context.out.Properties(rows);
  return kDone;
}

}  // namespace

void AddRoomCommands(CLI::App* app, Command* chosen) {
  CLI::App* room = AddNoun(app, "room", "Join, leave and list rooms");
  const auto name = std::make_shared<std::string>();

  CLI::App* verb =
      AddVerb(room, "join",
              "Join a room; it is joined again on every connect until 'leave'",
              "parleyctl room join --room general");
  AddRoomOption(verb, name.get())->required();
  verb->callback([chosen, name] {
    *chosen = [name](Context& context) { return Join(*name, context); };
  });

  verb = AddVerb(room, "leave",
                 "Leave a room, on all devices; what is queued is sent first",
                 "parleyctl room leave --room general");
  AddRoomOption(verb, name.get())->required();
  verb->callback([chosen, name] {
    *chosen = [name](Context& context) { return Leave(*name, context); };
  });

  AddVerb(room, "list", "The account's rooms",
          "parleyctl room list --output jsonl")
      ->callback([chosen] { *chosen = List; });

  verb =
      AddVerb(room, "show", "One room", "parleyctl room show --room general");
  AddRoomOption(verb, name.get())->required();
  verb->callback([chosen, name] {
    *chosen = [name](Context& context) { return Show(*name, context); };
  });
}

}  // namespace parley::cli
