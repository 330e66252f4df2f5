#include "daemon/wire/history.h"

#include <string>

#include "daemon/model/limits.h"
#include "gtest/gtest.h"

namespace parley::wire {
namespace {

using nlohmann::json;

const model::RoomId& Room() {
  static const auto* const room = new model::RoomId("general");
  return *room;
}

json MessageOf(int seq) {
  return {{"roomName", "general"},
          {"messageId", "m" + std::to_string(seq)},
          {"seq", seq},
          {"userId", "alice"},
          {"content", "hi"},
          {"type", "text"},
          {"timestamp", "2026-11-25T13:50:59.380Z"}};
}

json Page() {
  return {{"messages", {MessageOf(1), MessageOf(2)}},
          {"cursor", "c2"},
          {"hasMore", true},
          {"historyEpoch", "e1"},
          {"serverTime", "2026-11-25T13:51:00.000Z"}};
}

std::string Problem(const json& data) {
  HistoryPage page;
  std::string problem;
  EXPECT_FALSE(DecodeHistoryPage(Room(), data, &page, &problem)) << data;
  return problem;
}

TEST(HistoryTest, AsksFromTheBeginningOrFromACursor) {
  const Request first = EncodeHistoryRequest(Room(), "", 200);
  EXPECT_EQ(first.event, "sync:messages");
  EXPECT_EQ(first.payload, (json{{"roomName", "general"}, {"limit", 200}}));
  EXPECT_EQ(EncodeHistoryRequest(Room(), "c2", 5).payload,
            (json{{"roomName", "general"}, {"limit", 5}, {"cursor", "c2"}}));
}

TEST(HistoryTest, DecodesAPage) {
  HistoryPage page;
  std::string problem;
  ASSERT_TRUE(DecodeHistoryPage(Room(), Page(), &page, &problem)) << problem;
  ASSERT_EQ(page.messages.size(), 2u);
  EXPECT_EQ(page.messages[0].message.id, model::MessageId("m1"));
  EXPECT_EQ(page.messages[1].message.room_seq, 2u);
  EXPECT_EQ(page.cursor, "c2");
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(page.epoch, "e1");
  EXPECT_EQ(page.malformed, 0u);
}

TEST(HistoryTest, APageWithoutItsPlaceIsNoPage) {
  EXPECT_EQ(Problem(json::array()), "the page is no object");
  EXPECT_EQ(Problem(json()), "the page is no object");
  json page = Page();
  page.erase("messages");
  EXPECT_EQ(Problem(page), "messages is missing");
  page = Page();
  page.erase("cursor");
  EXPECT_EQ(Problem(page), "cursor is missing");
  page["cursor"] = std::string(model::kMaxCursorBytes + 1, 'c');
  EXPECT_EQ(Problem(page), "cursor has 256 bytes; at most 255 are accepted");
  page = Page();
  page["hasMore"] = "yes";
  EXPECT_EQ(Problem(page), "hasMore is neither true nor false");
  page = Page();
  page["messages"] = json(10001, json::object());
  EXPECT_NE(Problem(page), "");
}

TEST(HistoryTest, AMessageThatMakesNoSenseIsPassedOver) {
  json data = Page();
  data["messages"].push_back(7);
  data["messages"].push_back(MessageOf(4));
  data["messages"][1]["roomName"] = "other";
  data["messages"][0].erase("messageId");
  HistoryPage page;
  std::string problem;
  ASSERT_TRUE(DecodeHistoryPage(Room(), data, &page, &problem)) << problem;
  ASSERT_EQ(page.messages.size(), 1u);
  EXPECT_EQ(page.messages[0].message.id, model::MessageId("m4"));
  EXPECT_EQ(page.malformed, 3u);
  EXPECT_EQ(page.problem, "messageId is missing");
}

TEST(HistoryTest, GoesByChangesWhereTheServerCountsThem) {
  json data = Page();
  HistoryPage page;
  std::string problem;
  ASSERT_TRUE(DecodeHistoryPage(Room(), data, &page, &problem)) << problem;
  EXPECT_EQ(page.messages[1].change, 2u);
  EXPECT_EQ(page.last_change, 2u);
  EXPECT_FALSE(page.messages[1].deleted);

  data["messages"][1]["change"] = 7;
  data["messages"][1]["content"] = "";
  data["messages"][1]["deletedAt"] = "2026-11-25T13:51:00.000Z";
  data["lastChange"] = 9;
  page = HistoryPage();
  ASSERT_TRUE(DecodeHistoryPage(Room(), data, &page, &problem)) << problem;
  EXPECT_EQ(page.messages[1].change, 7u);
  EXPECT_TRUE(page.messages[1].deleted);
  EXPECT_EQ(page.last_change, 9u);
}

TEST(HistoryTest, AnEpochThatIsGoneHasItsCode) {
  RequestError error;
  error.code = "EPOCH_CHANGED";
  EXPECT_TRUE(IsEpochChanged(error));
  error.code = "NOT_IN_ROOM";
  EXPECT_FALSE(IsEpochChanged(error));
}

}  // namespace
}  // namespace parley::wire
