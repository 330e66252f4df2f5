#include <string>
#include <vector>

#include "daemon/storage/queries.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {
namespace {

using model::ClientMessageId;
using model::OutboxSeq;
using model::RoomId;

// --- The meta table and rooms ------------------------------------------------

TEST_P(RoomTablesTest, NothingIsKnownOfANewStore) {
  ASSERT_OK_AND_ASSIGN(const StoreBinding binding, tables().Binding());
  EXPECT_EQ(binding.server_url, "");
  EXPECT_TRUE(binding.user.empty());
  ASSERT_OK_AND_ASSIGN(const auto capabilities, tables().Capabilities());
  EXPECT_FALSE(capabilities.has_value());
  ASSERT_OK_AND_ASSIGN(const model::OnPurpose stopped,
                       tables().StoppedOnPurpose());
  EXPECT_EQ(stopped, model::OnPurpose::kOnline);
  ASSERT_OK_AND_ASSIGN(const auto rooms, tables().AllRooms());
  EXPECT_TRUE(rooms.empty());
  EXPECT_EQ(tables().last_change(), model::ChangeSeq());
}

TEST_P(RoomTablesTest, RemembersWhatIsKnownOfTheServer) {
  tables().PutBinding({"ws://host:80", model::UserId("alice")});
  tables().PutCapabilities(FullCapabilities());
  tables().PutStoppedOnPurpose(model::OnPurpose::kSignedOut);
  Restart();
  ASSERT_OK_AND_ASSIGN(const StoreBinding binding, tables().Binding());
  EXPECT_EQ(binding.server_url, "ws://host:80");
  EXPECT_EQ(binding.user, model::UserId("alice"));
  ASSERT_OK_AND_ASSIGN(const auto capabilities, tables().Capabilities());
  ASSERT_TRUE(capabilities.has_value());
  EXPECT_TRUE(*capabilities == FullCapabilities());
  ASSERT_OK_AND_ASSIGN(const model::OnPurpose stopped,
                       tables().StoppedOnPurpose());
  EXPECT_EQ(stopped, model::OnPurpose::kSignedOut);
}

TEST_P(RoomTablesTest, RoomsAreKeptUntilTheyAreRemoved) {
  // More than a cursor reads at once.
  for (int i = 0; i < 150; ++i) {
    model::Room room = MakeRoom("room" + std::to_string(1000 + i));
    ASSERT_OK(tables().PutRoom(&room));
    EXPECT_EQ(room.change_seq, tables().last_change());
  }
  ASSERT_OK(tables().RemoveRoom(RoomId("room1007")));
  ASSERT_OK(tables().RemoveRoom(RoomId("never joined")));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto rooms, tables().AllRooms());
  ASSERT_EQ(rooms.size(), 149u);
  EXPECT_EQ(rooms[6].room, RoomId("room1006"));
  EXPECT_EQ(rooms[7].room, RoomId("room1008"));
  EXPECT_EQ(tables().last_change(), model::ChangeSeq(151));
}

// --- The outbox --------------------------------------------------------------

TEST_P(OutboxTablesTest, RoomsWithoutEntriesKeepTheirNumbers) {
  model::OutboxRoom busy = FullOutboxRoom();
  model::OutboxRoom idle;
  idle.room = RoomId("idle");
  idle.next_seq = OutboxSeq(9);
  tables().PutOutboxRoom(busy);
  tables().PutOutboxRoom(idle);
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto rooms, tables().AllOutboxRooms());
  ASSERT_EQ(rooms.size(), 1u);
  EXPECT_EQ(rooms[0].room, busy.room);
  EXPECT_EQ(rooms[0].queued, busy.queued);
  EXPECT_EQ(rooms[0].failed, busy.failed);
  EXPECT_EQ(rooms[0].bytes, busy.bytes);
  EXPECT_EQ(rooms[0].head_seq, busy.head_seq);
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindOutboxRoom(RoomId("idle")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->next_seq, OutboxSeq(9));
  ASSERT_OK_AND_ASSIGN(const auto none, tables().FindOutboxRoom(RoomId("no")));
  EXPECT_FALSE(none.has_value());
}

TEST_P(OutboxTablesTest, EntriesAreReadInOrderFromAnyPlace) {
  for (const uint64_t seq : {3, 1, 2}) {
    for (const std::string room : {"a", "ab"}) {
      model::OutboxEntry entry =
          MakeEntry(room, seq, room + "-" + std::to_string(seq));
      ASSERT_OK(tables().PutOutboxEntry(&entry));
    }
  }
  Commit();
  ASSERT_OK_AND_ASSIGN(const auto all,
                       tables().QueuedEntries(RoomId("a"), OutboxSeq(0), 10));
  ASSERT_EQ(all.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].seq, OutboxSeq(i + 1));
    EXPECT_EQ(all[i].client_id.value(), "a-" + std::to_string(i + 1));
  }
  ASSERT_OK_AND_ASSIGN(const auto page,
                       tables().QueuedEntries(RoomId("a"), OutboxSeq(2), 1));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].seq, OutboxSeq(2));
}

TEST_P(OutboxTablesTest, AnEntryThatFailsLeavesTheQueueAndIsFound) {
  model::OutboxEntry entry = MakeEntry("a", 1, "c-1");
  ASSERT_OK(tables().PutOutboxEntry(&entry));
  Commit();
  entry.state = model::OutboxState::kFailed;
  entry.failure = model::FailureReason::kRefused;
  ASSERT_OK(tables().PutOutboxEntry(&entry));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto queued,
                       tables().QueuedEntries(RoomId("a"), OutboxSeq(0), 9));
  EXPECT_TRUE(queued.empty());
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindOutboxEntry(ClientMessageId("c-1")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->state, model::OutboxState::kFailed);
  EXPECT_EQ(found->change_seq, model::ChangeSeq(2));
}

TEST_P(OutboxTablesTest, ARetriedEntryMovesToTheTail) {
  model::OutboxEntry failed = MakeEntry("a", 1, "c-1");
  failed.state = model::OutboxState::kFailed;
  model::OutboxEntry queued = MakeEntry("a", 2, "c-2");
  ASSERT_OK(tables().PutOutboxEntry(&failed));
  ASSERT_OK(tables().PutOutboxEntry(&queued));
  Commit();
  failed.state = model::OutboxState::kPending;
  failed.seq = OutboxSeq(3);
  ASSERT_OK(tables().PutOutboxEntry(&failed));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto entries,
                       tables().QueuedEntries(RoomId("a"), OutboxSeq(0), 9));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].client_id, ClientMessageId("c-2"));
  EXPECT_EQ(entries[1].client_id, ClientMessageId("c-1"));
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindOutboxEntry(ClientMessageId("c-1")));
  EXPECT_EQ(found->seq, OutboxSeq(3));
}

TEST_P(OutboxTablesTest, ARemovedEntryIsGone) {
  model::OutboxEntry entry = MakeEntry("a", 1, "c-1");
  entry.expires_at = At(5000);
  ASSERT_OK(tables().PutOutboxEntry(&entry));
  Commit();
  ASSERT_OK(tables().RemoveOutboxEntry(ClientMessageId("c-1")));
  ASSERT_OK(tables().RemoveOutboxEntry(ClientMessageId("never seen")));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindOutboxEntry(ClientMessageId("c-1")));
  EXPECT_FALSE(found.has_value());
  ASSERT_OK_AND_ASSIGN(const auto next, tables().NextToExpire());
  EXPECT_FALSE(next.has_value());
}

TEST_P(OutboxTablesTest, TwoMessagesNeverShareANumber) {
  model::OutboxEntry first = MakeEntry("a", 1, "c-1");
  model::OutboxEntry second = MakeEntry("a", 1, "c-2");
  ASSERT_OK(tables().PutOutboxEntry(&first));
  EXPECT_EQ(tables().PutOutboxEntry(&second).code(),
            absl::StatusCode::kDataLoss);
}

TEST_P(OutboxTablesTest, TheNextToExpireIsTheEarliestThatIsQueued) {
  const auto next = [this]() -> std::string {
    const auto entry = tables().NextToExpire();
    EXPECT_OK(entry);
    if (!entry.ok()) return "error";
    return entry->has_value() ? (*entry)->client_id.value() : "none";
  };
  EXPECT_EQ(next(), "none");
  model::OutboxEntry late = MakeEntry("a", 1, "late");
  late.expires_at = At(9000);
  model::OutboxEntry early = MakeEntry("b", 1, "early");
  early.expires_at = At(5000);
  model::OutboxEntry never = MakeEntry("b", 2, "never");
  for (auto* entry : {&late, &early, &never}) {
    ASSERT_OK(tables().PutOutboxEntry(entry));
    Commit();
  }
  EXPECT_EQ(next(), "early");
  early.state = model::OutboxState::kFailed;
  ASSERT_OK(tables().PutOutboxEntry(&early));
  EXPECT_EQ(next(), "late");
  // An earlier one than was looked at before.
  early.state = model::OutboxState::kPending;
  early.seq = OutboxSeq(3);
  early.expires_at = At(4000);
  ASSERT_OK(tables().PutOutboxEntry(&early));
  EXPECT_EQ(next(), "early");
  early.expires_at.reset();
  ASSERT_OK(tables().PutOutboxEntry(&early));
  EXPECT_EQ(next(), "late");
  ASSERT_OK(tables().RemoveOutboxEntry(ClientMessageId("late")));
  EXPECT_EQ(next(), "none");
  never.expires_at = At(1);
  ASSERT_OK(tables().PutOutboxEntry(&never));
  EXPECT_EQ(next(), "never");
  Restart();
  EXPECT_EQ(next(), "never");
}

// --- Sent records ------------------------------------------------------------

class Sent {
 public:
  explicit Sent(Tables* tables) : tables_(tables) {}

  bool Has(const std::string& client_id) {
    const auto found = tables_->FindSent(ClientMessageId(client_id));
    EXPECT_OK(found);
    return found.ok() && found->has_value();
  }
  void Put(const std::string& client_id, int64_t settled_ms) {
    EXPECT_OK(tables_->PutSent(MakeSent(client_id, settled_ms)));
  }

 private:
  Tables* const tables_;
};

TEST_P(OutboxTablesTest, SentRecordsComeBack) {
  ASSERT_OK(tables().PutSent(FullSentRecord()));
  Restart();
  ASSERT_OK_AND_ASSIGN(const auto found,
                       tables().FindSent(ClientMessageId("c-1")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->fingerprint, FullSentRecord().fingerprint);
  EXPECT_EQ(found->outcome, FullSentRecord().outcome);
  EXPECT_EQ(found->message_id, FullSentRecord().message_id);
  EXPECT_EQ(found->seq, FullSentRecord().seq);
}

TEST_P(OutboxTablesTest, PruningForgetsOldSettledRecordsOnly) {
  Sent sent(&tables());
  sent.Put("old", 1000);
  sent.Put("older", 500);
  sent.Put("young", 2000);
  model::SentRecord queued = MakeSent("queued", 0);
  queued.outcome = model::SentRecord::Outcome::kQueued;
  ASSERT_OK(tables().PutSent(queued));
  Commit();
  ASSERT_OK_AND_ASSIGN(size_t pruned, tables().PruneSent(At(2000), 1));
  EXPECT_EQ(pruned, 1u);
  EXPECT_FALSE(sent.Has("older"));
  EXPECT_TRUE(sent.Has("old"));
  ASSERT_OK_AND_ASSIGN(pruned, tables().PruneSent(At(2000), 100));
  EXPECT_EQ(pruned, 1u);
  ASSERT_OK_AND_ASSIGN(pruned, tables().PruneSent(At(2000), 100));
  EXPECT_EQ(pruned, 0u);
  EXPECT_FALSE(sent.Has("old"));
  EXPECT_TRUE(sent.Has("young"));
  EXPECT_TRUE(sent.Has("queued"));
}

TEST_P(OutboxTablesTest, PruningFindsWhatAClockThatJumpedBackLeft) {
  Sent sent(&tables());
  sent.Put("first", 5000);
  ASSERT_OK(tables().PruneSent(At(6000), 10));
  sent.Put("second", 4000);
  ASSERT_OK_AND_ASSIGN(const size_t pruned, tables().PruneSent(At(6000), 10));
  EXPECT_EQ(pruned, 1u);
  EXPECT_FALSE(sent.Has("second"));
}

TEST_P(OutboxTablesTest, BeyondTheirLimitTheOldestSentIdsAreForgotten) {
  TableLimits limits;
  limits.max_sent_ids = 3;
  OpenTables(limits);
  for (int i = 1; i <= 5; ++i) {
    // As the outbox does: a record is queued first.
    model::SentRecord record = MakeSent("c-" + std::to_string(i), 1000 + i);
    record.outcome = model::SentRecord::Outcome::kQueued;
    ASSERT_OK(tables().PutSent(record));
    record.outcome = model::SentRecord::Outcome::kSent;
    ASSERT_OK(tables().PutSent(record));
    // Settling twice counts once.
    ASSERT_OK(tables().PutSent(record));
    if (i == 3) Restart();
    Commit();
  }
  Sent sent(&tables());
  EXPECT_FALSE(sent.Has("c-1"));
  EXPECT_FALSE(sent.Has("c-2"));
  EXPECT_TRUE(sent.Has("c-3"));
  EXPECT_TRUE(sent.Has("c-4"));
  EXPECT_TRUE(sent.Has("c-5"));
}

}  // namespace
}  // namespace parley::storage
