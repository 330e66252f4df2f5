#include "daemon/runtime/commit_thread.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

using ::testing::ElementsAre;

// Writes down what is done to it, on the storage thread.
class ScriptedStore : public storage::Store {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view) const override {
    return std::optional<std::string>();
  }
  absl::StatusOr<std::vector<storage::Row>> Scan(
      absl::string_view, absl::string_view, size_t,
      storage::ScanOrder) const override {
    return std::vector<storage::Row>();
  }
  absl::Status Commit(
      const std::vector<storage::Transaction>& transactions) override {
    std::string line = "commit";
    for (const storage::Transaction& transaction : transactions) {
      for (const storage::Write& write : transaction.writes) {
        line += " " + write.key;
      }
    }
    done.push_back(line);
    return commit_status;
  }
  absl::Status Sync() override {
    done.push_back("sync");
    return absl::OkStatus();
  }
  absl::Status Recover() override {
    done.push_back("recover");
    return absl::DataLossError("beyond help");
  }
  std::unique_ptr<storage::StoreReader> NewSnapshot() const override {
    return nullptr;
  }

  absl::Status commit_status;
  std::vector<std::string> done;
};

core::CommitRequest Put(uint64_t commit, const std::string& key) {
  core::CommitRequest request;
  request.commit = commit;
  request.transactions.push_back({{{key, "value"}}, {}});
  return request;
}

TEST(CommitThreadTest, DoesWhatIsAskedAndReportsEach) {
  ScriptedStore store;
  store.commit_status = absl::ResourceExhaustedError("full");
  Mailbox mailbox({});
  CommitThread thread(&store, &mailbox);
  EXPECT_EQ(&thread.reader(), &store);

  core::CommitRequest two = Put(1, "a");
  two.transactions.push_back({{{"b", "value"}}, {}});
  thread.Submit(std::move(two));
  core::CommitRequest sync;
  sync.commit = 2;
  sync.sync_only = true;
  thread.Submit(std::move(sync));
  thread.Recover();
  thread.Stop();

  EXPECT_THAT(store.done, ElementsAre("commit a b", "sync", "recover"));
  const std::deque<Mail> mail = mailbox.Take(absl::ZeroDuration());
  ASSERT_EQ(mail.size(), 3u);
  EXPECT_EQ(std::get<CommitDone>(mail[0]).commit, 1u);
  EXPECT_EQ(std::get<CommitDone>(mail[0]).status, store.commit_status);
  EXPECT_EQ(std::get<CommitDone>(mail[1]).commit, 2u);
  EXPECT_TRUE(std::get<CommitDone>(mail[1]).status.ok());
  EXPECT_EQ(std::get<StoreRecovered>(mail[2]).status.message(), "beyond help");
}

TEST(CommitThreadTest, FinishesWhatWasAskedBeforeItStops) {
  ScriptedStore store;
  Mailbox mailbox({});
  {
    CommitThread thread(&store, &mailbox);
    thread.Submit(Put(1, "a"));
  }
  EXPECT_THAT(store.done, ElementsAre("commit a"));
}

TEST(CommitThreadTest, ReportsToAClosedMailbox) {
  ScriptedStore store;
  Mailbox mailbox({});
  mailbox.Close();
  CommitThread thread(&store, &mailbox);
  thread.Submit(Put(1, "a"));
  thread.Stop();
  EXPECT_EQ(mailbox.Take(absl::ZeroDuration()).size(), 1u);
}

}  // namespace
}  // namespace parley::runtime
