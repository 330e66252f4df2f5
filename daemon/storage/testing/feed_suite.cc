#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/records.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"
#include "daemon/storage/testing/verify.h"

namespace parley::storage {
namespace {

using model::ChangeSeq;
using model::ClientMessageId;
using model::MessageId;
using model::ObjectKind;
using model::OutboxSeq;
using model::RoomId;

using Names = std::vector<std::string>;

constexpr size_t kManyBytes = 1 << 20;

ChangeFilter Everything() {
  ChangeFilter filter;
  filter.kinds = model::Only(ObjectKind::kMessage) |
                 model::Only(ObjectKind::kOutboxEntry) |
                 model::Only(ObjectKind::kRoom) |
                 model::Only(ObjectKind::kDelivery);
  return filter;
}

std::string Describe(const model::Change& change) {
  struct Describer {
    std::string operator()(const model::MessageView& view) const {
      return absl::StrCat("message ", view.message.id.value(),
                          view.message.client_id.value());
    }
    std::string operator()(const model::OutboxEntry& entry) const {
      return absl::StrCat("entry ", entry.client_id.value());
    }
    std::string operator()(const model::Room& room) const {
      return absl::StrCat("room ", room.room.value());
    }
    std::string operator()(const model::Delivery& delivery) const {
      return absl::StrCat("delivery ", delivery.client_id.value());
    }
    std::string operator()(const model::Tombstone& gone) const {
      return absl::StrCat("gone ", static_cast<int>(gone.kind), " ",
                          gone.room.value(), " ", gone.client_id.value(), " ",
                          gone.message_id.value());
    }
  };
  return absl::StrCat(change.seq.value(), " ",
                      std::visit(Describer(), change.object));
}

Names Changes(const StoreReader& reader, uint64_t after,
              const ChangeFilter& filter = Everything(),
              size_t max_bytes = kManyBytes) {
  Names names;
  const auto page = ReadChanges(reader, ChangeSeq(after), filter, max_bytes);
  EXPECT_OK(page);
  if (!page.ok()) return names;
  for (const model::Change& change : page->changes) {
    names.push_back(Describe(change));
  }
  return names;
}

TEST_P(FeedTest, AChangeMovesTheRowOfItsObject) {
  model::Room a = MakeRoom("a");
  model::Room b = MakeRoom("b");
  ASSERT_OK(tables().PutRoom(&a));
  ASSERT_OK(tables().PutRoom(&b));
  EXPECT_EQ(Changes(staged(), 0), (Names{"1 room a", "2 room b"}));
  ASSERT_OK(tables().PutRoom(&a));
  Commit();
  EXPECT_EQ(Changes(*store(), 0), (Names{"2 room b", "3 room a"}));
  EXPECT_EQ(Changes(*store(), 2), (Names{"3 room a"}));
  EXPECT_EQ(Changes(*store(), 3), Names());
  EXPECT_EQ(a.change_seq, ChangeSeq(3));
}

TEST_P(FeedTest, EachKindIsInIt) {
  model::Message message = MakeMessage("a", "m-1", 1);
  model::OutboxEntry entry = MakeEntry("a", 1, "c-1");
  model::Room room = MakeRoom("a");
  model::Delivery delivery = MakeDelivery("a", "c-1");
  ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  ASSERT_OK(tables().PutOutboxEntry(&entry));
  ASSERT_OK(tables().PutRoom(&room));
  ASSERT_OK(tables().PutDelivery(&delivery));
  EXPECT_EQ(Changes(staged(), 0), (Names{"1 message m-1", "2 entry c-1",
                                         "3 room a", "4 delivery c-1"}));
  ASSERT_OK(tables().RemoveMessage(message));
  ASSERT_OK(tables().RemoveOutboxEntry(entry.client_id));
  ASSERT_OK(tables().RemoveRoom(room.room));
  ASSERT_OK(tables().RemoveDelivery(delivery.client_id));
  EXPECT_EQ(Changes(staged(), 0), (Names{"5 gone 1 a  m-1", "6 gone 2 a c-1 ",
                                         "7 gone 3 a  ", "8 gone 4 a c-1 "}));
  Commit();
  ASSERT_OK(VerifyStore(*store()));
}

TEST_P(FeedTest, AMovedMessageIsOneObject) {
  model::Message echo = MakeEcho("a", "c-1");
  ASSERT_OK(tables().PutMessage(&echo, OutboxSeq(1)));
  echo.id = MessageId("m-1.");
  echo.room_seq = 1;
  ASSERT_OK(tables().PutMessage(&echo, std::nullopt));
  EXPECT_EQ(Changes(staged(), 0), (Names{"2 message m-1.c-1"}));
}

TEST_P(FeedTest, TwoRowsThatBecomeOneMessageLeaveATombstoneFirst) {
  model::Message echo = MakeEcho("a", "c-1");
  model::Message received = MakeMessage("a", "m-1.", 1);
  ASSERT_OK(tables().PutMessage(&echo, OutboxSeq(1)));
  ASSERT_OK(tables().PutMessage(&received, std::nullopt));
  echo.id = MessageId("m-1.");
  ASSERT_OK(tables().PutMessage(&echo, std::nullopt));
  EXPECT_EQ(Changes(staged(), 0),
            (Names{"3 gone 1 a  m-1.", "4 message m-1.c-1"}));
}

TEST_P(FeedTest, KindsAndRoomsAreFiltered) {
  for (const std::string name : {"a", "b"}) {
    model::Room room = MakeRoom(name);
    model::Delivery delivery = MakeDelivery(name, "c-" + name);
    model::OutboxEntry entry = MakeEntry(name, 1, "e-" + name);
    ASSERT_OK(tables().PutRoom(&room));
    ASSERT_OK(tables().PutDelivery(&delivery));
    ASSERT_OK(tables().PutOutboxEntry(&entry));
    ASSERT_OK(tables().RemoveOutboxEntry(entry.client_id));
  }
  ChangeFilter filter;
  filter.kinds = model::Only(ObjectKind::kRoom);
  EXPECT_EQ(Changes(staged(), 0, filter), (Names{"1 room a", "5 room b"}));
  filter = Everything();
  filter.room = RoomId("b");
  EXPECT_EQ(Changes(staged(), 0, filter),
            (Names{"5 room b", "6 delivery c-b", "8 gone 2 b e-b "}));
  filter.kinds = 0;
  EXPECT_EQ(Changes(staged(), 0, filter), Names());
  ASSERT_OK_AND_ASSIGN(const ChangePage page,
                       ReadChanges(staged(), ChangeSeq(), filter, kManyBytes));
  EXPECT_EQ(page.next, ChangeSeq(8));
  EXPECT_TRUE(page.at_end);
}

TEST_P(FeedTest, PagesHaveAboutTheBytesAskedForAndNeverNothing) {
  for (int i = 1; i <= 20; ++i) {
    model::Message message = MakeMessage("a", "m-" + std::to_string(i), i);
    message.content.text = std::string(10000, 'x');
    ASSERT_OK(tables().PutMessage(&message, std::nullopt));
  }
  Commit();
  for (const size_t max_bytes : {size_t{0}, size_t{1}, size_t{35000}}) {
    ChangeSeq after;
    size_t changes = 0;
    for (;;) {
      ASSERT_OK_AND_ASSIGN(
          const ChangePage page,
          ReadChanges(*store(), after, Everything(), max_bytes));
      EXPECT_LE(page.changes.size(), max_bytes < 35000 ? 1u : 3u);
      changes += page.changes.size();
      for (const model::Change& change : page.changes) {
        EXPECT_LT(after, change.seq);
        after = change.seq;
      }
      EXPECT_EQ(page.next, after);
      if (page.at_end) break;
      ASSERT_FALSE(page.changes.empty());
    }
    EXPECT_EQ(changes, 20u);
  }
}

TEST_P(FeedTest, AFilteredPageLooksAtALimitedNumberOfRows) {
  for (size_t i = 0; i < kMaxChangeRowsPerPage + 10; ++i) {
    model::Delivery delivery = MakeDelivery("a", absl::StrCat("c-", i));
    ASSERT_OK(tables().PutDelivery(&delivery));
    if (i % 1000 == 0) Commit();
  }
  Commit();
  ChangeFilter rooms;
  rooms.kinds = model::Only(ObjectKind::kRoom);
  ASSERT_OK_AND_ASSIGN(ChangePage page,
                       ReadChanges(*store(), ChangeSeq(), rooms, kManyBytes));
  EXPECT_TRUE(page.changes.empty());
  EXPECT_FALSE(page.at_end);
  EXPECT_EQ(page.next, ChangeSeq(kMaxChangeRowsPerPage));
  ASSERT_OK_AND_ASSIGN(page,
                       ReadChanges(*store(), page.next, rooms, kManyBytes));
  EXPECT_TRUE(page.at_end);
}

TEST_P(FeedTest, AMissingObjectIsDataLoss) {
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  staged().Delete(RoomKey(room.room));
  EXPECT_EQ(ReadChanges(staged(), ChangeSeq(), Everything(), 1).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_P(FeedTest, AnObjectThatContradictsTheFeedIsDataLoss) {
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  room.change_seq = ChangeSeq(77);
  const std::string key = RoomKey(room.room);
  staged().Put(key, EncodeRoom(key, room));
  EXPECT_EQ(ReadChanges(staged(), ChangeSeq(), Everything(), 1).status().code(),
            absl::StatusCode::kDataLoss);
}

// --- Tombstones --------------------------------------------------------------

TEST_P(FeedTest, BeyondTheirLimitTheOldestTombstonesAreForgotten) {
  TableLimits limits;
  limits.max_tombstones = 2;
  OpenTables(limits);
  for (int i = 1; i <= 4; ++i) {
    model::Room room = MakeRoom("r" + std::to_string(i));
    ASSERT_OK(tables().PutRoom(&room));
    ASSERT_OK(tables().RemoveRoom(room.room));
    if (i == 2) Restart();
  }
  Commit();
  EXPECT_EQ(Changes(*store(), 0), (Names{"6 gone 3 r3  ", "8 gone 3 r4  "}));
  ASSERT_OK(VerifyStore(*store()));
  ASSERT_OK_AND_ASSIGN(const FeedState state, ReadFeedState(*store()));
  EXPECT_EQ(state.floor, ChangeSeq(4));
  // What was not told may be what was asked for.
  const auto fresh = [this](uint64_t seq) {
    const auto token = MakeResumeToken(*store(), ChangeSeq(seq));
    EXPECT_OK(token);
    const auto point = ResolveResumeToken(*store(), *token);
    EXPECT_OK(point);
    EXPECT_EQ(point->after, point->fresh ? ChangeSeq() : ChangeSeq(seq));
    return point->fresh;
  };
  EXPECT_TRUE(fresh(0));
  EXPECT_TRUE(fresh(3));
  EXPECT_FALSE(fresh(4));
  EXPECT_FALSE(fresh(8));
}

// --- Resume tokens -----------------------------------------------------------

class TokenTest {
 public:
  explicit TokenTest(const StoreReader* reader) : reader_(reader) {}

  // "fresh", or the sequence to go on from.
  std::string Resolve(const std::optional<model::ResumeToken>& token) {
    const auto point = ResolveResumeToken(*reader_, token);
    EXPECT_OK(point);
    if (!point.ok()) return "error";
    if (!point->fresh) return std::to_string(point->after.value());
    EXPECT_EQ(point->after, ChangeSeq());
    return "fresh";
  }

 private:
  const StoreReader* const reader_;
};

TEST_P(FeedTest, ATokenOfThisStoreIsResumed) {
  for (int i = 0; i < 3; ++i) {
    model::Room room = MakeRoom("a");
    ASSERT_OK(tables().PutRoom(&room));
  }
  Commit();
  TokenTest test(store());
  ASSERT_OK_AND_ASSIGN(const auto token,
                       MakeResumeToken(*store(), ChangeSeq(2)));
  EXPECT_EQ(token.store_id, "store-1");
  EXPECT_EQ(token.epoch, 1u);
  EXPECT_EQ(test.Resolve(token), "2");
  EXPECT_EQ(test.Resolve(std::nullopt), "fresh");
  // Ahead of all that this store ever had.
  EXPECT_EQ(test.Resolve(model::ResumeToken{"store-1", 1, ChangeSeq(4)}),
            "fresh");
  EXPECT_EQ(test.Resolve(model::ResumeToken{"store-2", 1, ChangeSeq(2)}),
            "fresh");
  EXPECT_EQ(test.Resolve(model::ResumeToken{"store-1", 2, ChangeSeq(2)}),
            "fresh");
  EXPECT_EQ(test.Resolve(model::ResumeToken{"store-1", 0, ChangeSeq(2)}),
            "fresh");
}

TEST_P(FeedTest, ATokenForWhatAPowerCutTookIsFresh) {
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  Commit(Durability::kSync);
  ASSERT_OK_AND_ASSIGN(const auto kept,
                       MakeResumeToken(*store(), ChangeSeq(1)));
  ASSERT_OK(tables().PutRoom(&room));
  Commit();
  ASSERT_OK_AND_ASSIGN(const auto lost,
                       MakeResumeToken(*store(), ChangeSeq(2)));
  harness()->PowerCut();
  OpenTables();
  ASSERT_EQ(tables().last_change(), ChangeSeq(1));
  // Its number is given again.
  model::Room other = MakeRoom("b");
  ASSERT_OK(tables().PutRoom(&other));
  Commit();
  TokenTest test(store());
  EXPECT_EQ(test.Resolve(kept), "1");
  EXPECT_EQ(test.Resolve(lost), "fresh");
  ASSERT_OK_AND_ASSIGN(const auto now, MakeResumeToken(*store(), ChangeSeq(2)));
  EXPECT_EQ(now.epoch, 2u);
  EXPECT_EQ(test.Resolve(now), "2");
}

TEST_P(FeedTest, ATokenOutlivesRestarts) {
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  Commit();
  ASSERT_OK_AND_ASSIGN(const auto token,
                       MakeResumeToken(*store(), ChangeSeq(1)));
  for (int i = 0; i < 5; ++i) Restart();
  EXPECT_EQ(TokenTest(store()).Resolve(token), "1");
}

TEST_P(FeedTest, ATokenOfAnEpochThatIsForgottenIsFresh) {
  model::Room room = MakeRoom("a");
  ASSERT_OK(tables().PutRoom(&room));
  Commit();
  ASSERT_OK_AND_ASSIGN(const auto token,
                       MakeResumeToken(*store(), ChangeSeq(1)));
  for (size_t i = 1; i < model::kMaxFeedEpochs; ++i) OpenTables();
  EXPECT_EQ(TokenTest(store()).Resolve(token), "1");
  OpenTables();
  EXPECT_EQ(TokenTest(store()).Resolve(token), "fresh");
}

}  // namespace
}  // namespace parley::storage
