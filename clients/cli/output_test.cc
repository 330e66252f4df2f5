#include "clients/cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "parley/v1/room_service.pb.h"

namespace parley::cli {
namespace {

TEST(OutputTest, WritesJsonWithAllFieldsOnOneLine) {
  std::ostringstream out;
  Output output(&out, &out, OutputFormat::kJson, /*color=*/true);
  v1::Room room;
  room.set_name("gen\neral");
  room.set_join_state(v1::JOIN_STATE_JOINED);
  output.Json(room);
  EXPECT_EQ(out.str(),
            "{\"name\":\"gen\\neral\",\"kind\":\"ROOM_KIND_UNSPECIFIED\","
            "\"membership\":\"MEMBERSHIP_UNSPECIFIED\","
            "\"joinState\":\"JOIN_STATE_JOINED\",\"memberCount\":0,"
            "\"lastError\":\"\"}\n");
}

TEST(OutputTest, PutsTheTopicFirst) {
  std::ostringstream out;
  Output output(&out, &out, OutputFormat::kJson, /*color=*/false);
  v1::RoomUpdate update;
  output.JsonOfTopic("rooms", update);
  update.set_removed_room("general");
  output.JsonOfTopic("rooms", update);
  EXPECT_EQ(out.str(),
            "{\"topic\":\"rooms\"}\n"
            "{\"topic\":\"rooms\",\"removedRoom\":\"general\"}\n");
}

TEST(OutputTest, AlignsTables) {
  std::ostringstream out;
  Output output(&out, &out, OutputFormat::kTable, /*color=*/false);
  output.Table({"ROOM", "STATE"}, {{"a\xc3\xa4", "joined"},
                                   {"\xe4\xbd\xa0\xe5\xa5\xbd\xe5\xa5\xbd", ""},
                                   {"x\ny", Cell("no", Style::kBad)}});
  EXPECT_EQ(out.str(),
            "ROOM    STATE\n"
            "a\xc3\xa4      joined\n"
            "\xe4\xbd\xa0\xe5\xa5\xbd\xe5\xa5\xbd\n"
            "x y     no\n");
}

TEST(OutputTest, WritesNothingForAnEmptyTable) {
  std::ostringstream out;
  Output output(&out, &out, OutputFormat::kTable, /*color=*/false);
  output.Table({"ROOM"}, {});
  EXPECT_EQ(out.str(), "");
}

TEST(OutputTest, ColoursDoNotMoveColumns) {
  std::ostringstream out;
  Output output(&out, &out, OutputFormat::kTable, /*color=*/true);
  output.Properties({{"state", Cell("READY", Style::kGood)}, {"a", "b"}});
  EXPECT_EQ(out.str(),
            "\x1b[1mstate\x1b[0m  \x1b[32mREADY\x1b[0m\n"
            "\x1b[1ma\x1b[0m      b\n");
}

TEST(OutputTest, NotesGoToStderrOnOneLine) {
  std::ostringstream out;
  std::ostringstream err;
  Output output(&out, &err, OutputFormat::kTable, /*color=*/true);
  output.Note("first\nsecond");
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str(), "parleyctl: first second\n");
}

}  // namespace
}  // namespace parley::cli
