#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "daemon/base/check.h"
#include "daemon/storage/open.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/rocksdb/rocksdb_store.h"
#include "daemon/storage/rocksdb/test_directory.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "daemon/storage/testing/samples.h"

// A queue of a million messages in one room: filled, listed, drained, and
// opened again. Times are of one message, or of one call.
namespace parley::storage {
namespace {

constexpr uint64_t kBatch = 256;  // messages a commit

// A store on the disk, with the tables that write to it.
class Queue {
 public:
  Queue() { Open(); }

  void Open() {
    tables_.reset();
    staged_.reset();
    store_.reset();
    auto store = RocksDbStore::Open(directory_.store(), {});
    PARLEY_CHECK(store.ok());
    store_ = *std::move(store);
    PARLEY_CHECK(PrepareStore(store_.get(), "id").ok());
    staged_ = std::make_unique<StagedStore>(store_.get());
    auto tables = Tables::Open(staged_.get());
    PARLEY_CHECK(tables.ok());
    tables_.emplace(*std::move(tables));
  }

  void Enqueue(uint64_t i) {
    model::OutboxEntry entry =
        MakeEntry("general", room_.next_seq.value(), absl::StrCat("c-", i));
    room_.room = entry.room;
    room_.next_seq = room_.next_seq.Next();
    ++room_.queued;
    tables_->PutOutboxRoom(room_);
    PARLEY_CHECK(tables_->PutOutboxEntry(&entry).ok());
    model::Message echo = MakeEcho("general", entry.client_id.value());
    PARLEY_CHECK(tables_->PutMessage(&echo, entry.seq).ok());
    if (i % kBatch == 0) Commit();
  }

  // Sends the head of the queue.
  void Settle(uint64_t i) {
    const auto head = tables_->QueuedEntries(room_.room, room_.head_seq, 1);
    PARLEY_CHECK(head.ok() && head->size() == 1);
    const model::OutboxEntry& entry = head->front();
    PARLEY_CHECK(tables_->RemoveOutboxEntry(entry.client_id).ok());
    auto message =
        tables_->FindMessage(model::UserId("alice"), entry.client_id);
    PARLEY_CHECK(message.ok() && message->has_value());
    (*message)->id = model::MessageId(absl::StrCat("m-", i));
    (*message)->room_seq = i;
    PARLEY_CHECK(tables_->PutMessage(&**message, std::nullopt).ok());
    --room_.queued;
    room_.head_seq = entry.seq.Next();
    tables_->PutOutboxRoom(room_);
    if (i % kBatch == 0) Commit();
  }

  void Commit() {
    Transaction transaction = staged_->TakeTransaction();
    transaction.durability = Durability::kSync;
    PARLEY_CHECK(store_->Commit({transaction}).ok());
    staged_->OnCommitted(staged_->last_taken());
  }

  const StoreReader& reader() const { return *store_; }

 private:
  const TestDirectory directory_;
  std::unique_ptr<RocksDbStore> store_;
  std::unique_ptr<StagedStore> staged_;
  std::optional<Tables> tables_;
  model::OutboxRoom room_;
};

void BM_Queue(benchmark::State& state) {
  const auto entries = static_cast<uint64_t>(state.range(0));
  const auto seconds_of = [](const auto& work) {
    const absl::Time start = absl::Now();
    work();
    return absl::ToDoubleSeconds(absl::Now() - start);
  };
  // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): only repeats
  for (auto _ : state) {
    Queue queue;
    state.counters["fill_us"] =
        1e6 / static_cast<double>(entries) * seconds_of([&] {
          for (uint64_t i = 1; i <= entries; ++i) queue.Enqueue(i);
          queue.Commit();
        });
    state.counters["reopen_full_ms"] = 1e3 * seconds_of([&] { queue.Open(); });
    state.counters["list_full_us"] =
        1e6 * seconds_of([&] {
          PARLEY_CHECK(ListOutbox(queue.reader(), {}, "", 50).ok());
        });
    state.counters["drain_us"] =
        1e6 / static_cast<double>(entries) * seconds_of([&] {
          for (uint64_t i = 1; i <= entries; ++i) queue.Settle(i);
          queue.Commit();
        });
    state.counters["list_messages_us"] =
        1e6 * seconds_of([&] {
          PARLEY_CHECK(
              ListMessages(queue.reader(), model::RoomId("general"), {}, 50)
                  .ok());
        });
    state.counters["list_drained_us"] =
        1e6 * seconds_of([&] {
          PARLEY_CHECK(ListOutbox(queue.reader(), {}, "", 50).ok());
        });
    state.counters["snapshot_page_us"] =
        1e6 * seconds_of([&] {
          ChangeFilter filter;
          filter.kinds = ~model::ObjectKindSet{0};
          PARLEY_CHECK(ReadChanges(queue.reader(), model::ChangeSeq(), filter,
                                   model::kMaxChangePageBytes)
                           .ok());
        });
    state.counters["reopen_drained_ms"] =
        1e3 * seconds_of([&] { queue.Open(); });
  }
}
BENCHMARK(BM_Queue)->Arg(10000)->Arg(1000000)->Iterations(1)->Unit(
    benchmark::kSecond);

}  // namespace
}  // namespace parley::storage
