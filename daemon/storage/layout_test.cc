#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/open.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "daemon/storage/testing/samples.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/verify.h"
#include "gtest/gtest.h"

// A large queue is written and drained as the outbox does it, and what each
// step reads and writes does not grow with the queue. Rows are counted, not
// time. (//daemon/storage/rocksdb:layout_benchmark has a million, in time.)
namespace parley::storage {
namespace {

constexpr uint64_t kEntries = 100000;
constexpr size_t kPage = 64;

// Counts what goes through it.
class CountingReader : public StoreReader {
 public:
  explicit CountingReader(const StoreReader* target) : target_(target) {}

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override {
    ++rows_;
    return target_->Get(key);
  }
  absl::StatusOr<std::vector<Row>> Scan(absl::string_view begin,
                                        absl::string_view end, size_t limit,
                                        ScanOrder order) const override {
    auto rows = target_->Scan(begin, end, limit, order);
    rows_ += 1 + (rows.ok() ? rows->size() : 0);
    return rows;
  }

  // Rows read since the last call.
  uint64_t TakeRows() { return std::exchange(rows_, 0); }

 private:
  const StoreReader* const target_;
  mutable uint64_t rows_ = 0;
};

class LayoutTest : public testing::Test {
 protected:
  LayoutTest() : reader_(&store_), staged_(&reader_) {
    PARLEY_CHECK(PrepareStore(&store_, "id").ok());
    auto tables = Tables::Open(&staged_);
    PARLEY_CHECK(tables.ok());
    tables_.emplace(*std::move(tables));
    room_.room = model::RoomId("general");
  }

  // Ends a step, and says how much it wrote.
  size_t Commit() {
    Transaction transaction = staged_.TakeTransaction();
    transaction.durability = Durability::kSync;
    const size_t writes = transaction.writes.size();
    PARLEY_CHECK(store_.Commit({transaction}).ok());
    staged_.OnCommitted(staged_.last_taken());
    return writes;
  }

  static std::string ClientId(uint64_t i) { return absl::StrCat("c-", i); }

  void Enqueue(uint64_t i) {
    model::OutboxEntry entry =
        MakeEntry("general", room_.next_seq.value(), ClientId(i));
    entry.expires_at = At(static_cast<int64_t>(1000000 + i));
    room_.next_seq = room_.next_seq.Next();
    ++room_.queued;
    room_.bytes += model::ContentBytes(entry.content);
    tables_->PutOutboxRoom(room_);
    model::SentRecord sent = MakeSent(ClientId(i), 0);
    sent.outcome = model::SentRecord::Outcome::kQueued;
    ASSERT_OK(tables_->PutSent(sent));
    ASSERT_OK(tables_->PutOutboxEntry(&entry));
    model::Message echo = MakeEcho("general", ClientId(i));
    ASSERT_OK(tables_->PutMessage(&echo, entry.seq));
    model::Delivery delivery = MakeDelivery("general", ClientId(i));
    ASSERT_OK(tables_->PutDelivery(&delivery));
  }

  // The entry was sent: all that then changes.
  void Settle(const model::OutboxEntry& entry, uint64_t i) {
    ASSERT_OK(tables_->RemoveOutboxEntry(entry.client_id));
    ASSERT_OK(tables_->PutSent(
        MakeSent(entry.client_id.value(), static_cast<int64_t>(i))));
    ASSERT_OK_AND_ASSIGN(
        auto message,
        tables_->FindMessage(model::UserId("alice"), entry.client_id));
    ASSERT_TRUE(message.has_value());
    message->id = model::MessageId(absl::StrCat("m-", i));
    message->room_seq = i;
    ASSERT_OK(tables_->PutMessage(&*message, std::nullopt));
    --room_.queued;
    room_.head_seq = entry.seq.Next();
    room_.bytes -= model::ContentBytes(entry.content);
    tables_->PutOutboxRoom(room_);
    ASSERT_OK(tables_->NextToExpire());
  }

  MemoryStore store_;
  CountingReader reader_;
  StagedStore staged_;
  std::optional<Tables> tables_;
  model::OutboxRoom room_;
};

TEST_F(LayoutTest, AStepCostsTheSameHoweverLongTheQueueIs) {
  uint64_t most_read = 0;
  size_t most_written = 0;
  for (uint64_t i = 1; i <= kEntries; ++i) {
    Enqueue(i);
    most_written = std::max(most_written, Commit());
    most_read = std::max(most_read, reader_.TakeRows());
  }
  EXPECT_LE(most_read, 10u);
  EXPECT_LE(most_written, 16u);

  most_read = 0;
  most_written = 0;
  uint64_t sent = 0;
  while (room_.queued > 0) {
    reader_.TakeRows();
    ASSERT_OK_AND_ASSIGN(
        const auto page,
        tables_->QueuedEntries(room_.room, room_.head_seq, kPage));
    ASSERT_EQ(page.size(), std::min<uint64_t>(kPage, room_.queued));
    EXPECT_LE(reader_.TakeRows(), kPage + 1);
    for (const model::OutboxEntry& entry : page) {
      ++sent;
      ASSERT_EQ(entry.client_id.value(), ClientId(sent));
      Settle(entry, sent);
      most_written = std::max(most_written, Commit());
      most_read = std::max(most_read, reader_.TakeRows());
    }
  }
  EXPECT_EQ(sent, kEntries);
  // With an eviction, a forgotten tombstone and the next to expire.
  EXPECT_LE(most_read, 30u);
  EXPECT_LE(most_written, 40u);

  ASSERT_OK(VerifyStoreAndOutbox(store_));
  ASSERT_OK_AND_ASSIGN(const auto list,
                       ListMessages(store_, room_.room, {}, 10));
  EXPECT_EQ(list.messages.back().message.id,
            model::MessageId(absl::StrCat("m-", kEntries)));
}

}  // namespace
}  // namespace parley::storage
