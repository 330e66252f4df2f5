#include "daemon/app/store_binding.h"

#include <string>

#include "absl/status/status.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/open.h"
#include "daemon/storage/staged_store.h"
#include "daemon/storage/tables.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kServer[] = "http://chat.example";
constexpr char kOther[] = "http://other.example";

class StoreBindingTest : public ::testing::Test {
 protected:
  StoreBindingTest() {
    EXPECT_TRUE(storage::PrepareStore(&store_, "store-1").ok());
  }

  absl::Status Bind(const char* server, const char* user) {
    return BindStore(server, model::UserId(user), "/state", &store_);
  }
  storage::StoreBinding Binding() {
    storage::StagedStore staged(&store_);
    return *storage::Tables::Open(&staged)->Binding();
  }
  // As the core does once the server said whom it serves.
  void BecomeReady(const char* user) {
    storage::StagedStore staged(&store_);
    storage::Tables tables = *storage::Tables::Open(&staged);
    storage::StoreBinding binding = *tables.Binding();
    binding.user = model::UserId(user);
    tables.PutBinding(binding);
    ASSERT_TRUE(store_.Commit({staged.TakeTransaction()}).ok());
  }

  storage::MemoryStore store_;
};

TEST_F(StoreBindingTest, GivesANewStoreItsServer) {
  ASSERT_TRUE(Bind(kServer, "").ok());
  EXPECT_EQ(Binding().server_url, kServer);
  EXPECT_TRUE(Binding().user.empty());
}

TEST_F(StoreBindingTest, TheServerCanBeMendedUntilAnAccountIsKnown) {
  ASSERT_TRUE(Bind(kOther, "alice").ok());
  ASSERT_TRUE(Bind(kServer, "alice").ok());
  EXPECT_EQ(Binding().server_url, kServer);
  BecomeReady("alice");
  EXPECT_TRUE(Bind(kServer, "alice").ok());
  EXPECT_TRUE(Bind(kServer, "").ok());
  const absl::Status refused = Bind(kOther, "alice");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("the store in /state belongs to "
                              "http://chat.example"),
                    HasSubstr("configured for http://other.example"),
                    HasSubstr("--profile")));
  EXPECT_EQ(Binding().server_url, kServer);
}

TEST_F(StoreBindingTest, RefusesAnotherAccount) {
  ASSERT_TRUE(Bind(kServer, "alice").ok());
  BecomeReady("alice");
  const absl::Status refused = Bind(kServer, "bob");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("belongs to user alice"),
                    HasSubstr("configured for user bob")));
}

TEST_F(StoreBindingTest, SurvivesAPowerCut) {
  ASSERT_TRUE(Bind(kServer, "alice").ok());
  store_.DropUnsynced();
  EXPECT_EQ(Binding().server_url, kServer);
}

}  // namespace
}  // namespace parley::app
