#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cli/cli_runner.h"

namespace parley::cli {
namespace {

using ::parley::client::DaemonError;
using ::parley::client::FakeDaemon;
using ::parley::client::FakeMethods;
using ::parley::client::FakeStream;
using ::testing::AllOf;
using ::testing::HasSubstr;

v1::Room MakeRoom(const std::string& name, v1::JoinState state) {
  v1::Room room;
  room.set_name(name);
  room.set_membership(v1::MEMBERSHIP_JOINED);
  room.set_join_state(state);
  return room;
}

// A daemon in this state of connection that answers JoinRoom with a join that
// is pending, and whose watch then says `later`.
FakeMethods JoiningDaemon(v1::ConnectionState connection,
                          const std::vector<v1::Room>& later) {
  FakeMethods methods;
  methods.join_room = [](const v1::JoinRoomRequest& request,
                         v1::JoinRoomResponse* response) {
    *response->mutable_room() =
        MakeRoom(request.room(), v1::JOIN_STATE_PENDING);
    return grpc::Status::OK;
  };
  methods.get_status = [connection](const v1::GetStatusRequest&,
                                    v1::GetStatusResponse* response) {
    response->mutable_status()->mutable_connection()->set_state(connection);
    return grpc::Status::OK;
  };
  methods.watch_rooms = [later](const v1::WatchRoomsRequest&) {
    FakeStream<v1::WatchRoomsResponse> stream;
    for (const v1::Room& room : later) {
      *stream.responses.emplace_back().add_updates()->mutable_room() = room;
    }
    return stream;
  };
  return methods;
}

TEST(RoomJoinTest, WaitsForTheServersAnswer) {
  v1::Room other = MakeRoom("other", v1::JOIN_STATE_FAILED);
  const FakeDaemon daemon(
      JoiningDaemon(v1::CONNECTION_STATE_READY,
                    {other, MakeRoom("general", v1::JOIN_STATE_PENDING),
                     MakeRoom("general", v1::JOIN_STATE_JOINED)}));
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"room", "join", "--room", "general"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "joined general\n");
  EXPECT_EQ(result.err, "");
  result = runner.Run({"room", "join", "--room", "general", "--json"});
  EXPECT_EQ(result.OneJson()["room"]["joinState"], "JOIN_STATE_JOINED");
}

TEST(RoomJoinTest, WaitsAlsoWhileTheDaemonCatchesUp) {
  const FakeDaemon daemon(
      JoiningDaemon(v1::CONNECTION_STATE_CATCHING_UP,
                    {MakeRoom("general", v1::JOIN_STATE_JOINED)}));
  EXPECT_EQ(CliRunner(daemon).Run({"room", "join", "--room", "general"}).out,
            "joined general\n");
}

TEST(RoomJoinTest, SaysThatTheAnswerIsPending) {
  const FakeDaemon daemon(
      JoiningDaemon(v1::CONNECTION_STATE_READY,
                    {MakeRoom("general", v1::JOIN_STATE_PENDING)}));
  // The shorter of --timeout and five seconds.
  const RunResult result = CliRunner(daemon).Run(
      {"room", "join", "--room", "general", "--timeout", "300ms"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "pending general\n");
  EXPECT_THAT(result.err, HasSubstr("room \"general\" is pending: the server "
                                    "has not answered yet"));
}

TEST(RoomJoinTest, DoesNotWaitWhileOffline) {
  const FakeDaemon daemon(JoiningDaemon(v1::CONNECTION_STATE_WAITING, {}));
  const RunResult result =
      CliRunner(daemon).Run({"room", "join", "--room", "general"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("the daemon is not connected (WAITING)"));
}

TEST(RoomJoinTest, EndsWithTheServersRefusal) {
  v1::Room refused = MakeRoom("general", v1::JOIN_STATE_FAILED);
  refused.set_last_error("FORBIDDEN: members only");
  const FakeDaemon daemon(JoiningDaemon(v1::CONNECTION_STATE_READY, {refused}));
  const RunResult result =
      CliRunner(daemon).Run({"room", "join", "--room", "general"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("cannot join room \"general\""),
                                HasSubstr("FORBIDDEN: members only")));
}

TEST(RoomJoinTest, NoticesThatTheRoomWasLeft) {
  FakeMethods methods = JoiningDaemon(v1::CONNECTION_STATE_READY, {});
  methods.watch_rooms = [](const v1::WatchRoomsRequest&) {
    FakeStream<v1::WatchRoomsResponse> stream;
    stream.responses.emplace_back().add_updates()->set_removed_room("general");
    return stream;
  };
  const FakeDaemon daemon(methods);
  EXPECT_EQ(CliRunner(daemon).Run({"room", "join", "--room", "general"}).code,
            8);
}

TEST(RoomJoinTest, TellsTheDaemonsRefusal) {
  FakeMethods methods;
  methods.join_room = [](const v1::JoinRoomRequest&, v1::JoinRoomResponse*) {
    return DaemonError(grpc::StatusCode::RESOURCE_EXHAUSTED, "TOO_MANY_ROOMS",
                       "10000 rooms are joined, leave one first");
  };
  const FakeDaemon daemon(methods);
  const RunResult result =
      CliRunner(daemon).Run({"room", "join", "--room", "a b"});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.err,
            "parleyctl: cannot join room \"a b\": 10000 rooms are joined, "
            "leave one first\n");
}

TEST(RoomLeaveTest, Leaves) {
  FakeMethods methods;
  methods.leave_room = [](const v1::LeaveRoomRequest& request,
                          v1::LeaveRoomResponse*) {
    return request.room() == "general"
               ? grpc::Status::OK
               : DaemonError(grpc::StatusCode::INVALID_ARGUMENT,
                             "INVALID_ARGUMENT", "room is empty");
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_EQ(runner.Run({"room", "leave", "--room", "general"}).out,
            "left general\n");
  EXPECT_EQ(runner.Run({"room", "leave", "--room", ""}).code, 2);
}

// Two pages of one room each.
FakeMethods TwoPages() {
  FakeMethods methods;
  methods.list_rooms = [](const v1::ListRoomsRequest& request,
                          v1::ListRoomsResponse* response) {
    if (request.page_token().empty()) {
      *response->add_rooms() = MakeRoom("a", v1::JOIN_STATE_JOINED);
      response->mutable_rooms(0)->set_kind(v1::ROOM_KIND_DIRECT);
      response->mutable_rooms(0)->set_member_count(2);
      response->set_next_page_token("2");
    } else {
      *response->add_rooms() = MakeRoom("bb", v1::JOIN_STATE_FAILED);
      response->mutable_rooms(0)->set_last_error("no");
    }
    return grpc::Status::OK;
  };
  return methods;
}

TEST(RoomListTest, ReadsAllPages) {
  const FakeDaemon daemon(TwoPages());
  const CliRunner runner(daemon);
  EXPECT_EQ(runner.Run({"room", "list"}).out,
            "ROOM  STATE    KIND    MEMBERS  ERROR\n"
            "a     joined   direct  2\n"
            "bb    refused  -       -        no\n");
  const nlohmann::json json = runner.Run({"room", "list", "--json"}).OneJson();
  ASSERT_EQ(json["rooms"].size(), 2u);
  EXPECT_EQ(json["rooms"][1]["name"], "bb");
  EXPECT_EQ(json["nextPageToken"], "");
  const auto lines = runner.Run({"room", "list", "--output", "jsonl"}).Json();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["name"], "a");
}

TEST(RoomListTest, SaysThatThereAreNone) {
  FakeMethods methods;
  methods.list_rooms = [](const v1::ListRoomsRequest&, v1::ListRoomsResponse*) {
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  RunResult result = runner.Run({"room", "list"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("no rooms"));
  result = runner.Run({"room", "list", "--json"});
  EXPECT_EQ(result.OneJson()["rooms"], nlohmann::json::array());
  EXPECT_EQ(result.err, "");
}

TEST(RoomShowTest, ShowsOneRoom) {
  FakeMethods methods;
  methods.get_room = [](const v1::GetRoomRequest& request,
                        v1::GetRoomResponse* response) {
    if (request.room() != "general") {
      return DaemonError(grpc::StatusCode::NOT_FOUND, "NOT_FOUND",
                         "the account is not in this room");
    }
    *response->mutable_room() = MakeRoom("general", v1::JOIN_STATE_JOINED);
    response->mutable_room()->set_member_count(3);
    response->mutable_room()->mutable_joined_at()->set_seconds(1577934245);
    return grpc::Status::OK;
  };
  const FakeDaemon daemon(methods);
  const CliRunner runner(daemon);
  EXPECT_EQ(runner.Run({"room", "show", "--room", "general"}).out,
            "room     general\n"
            "state    joined\n"
            "kind     -\n"
            "members  3\n"
            "joined   2020-01-02 03:04\n");
  const RunResult result = runner.Run({"room", "show", "--room", "other"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.err,
            "parleyctl: cannot show room \"other\": the account is not in "
            "this room\n");
}

}  // namespace
}  // namespace parley::cli
