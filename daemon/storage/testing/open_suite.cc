#include "daemon/model/limits.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/open.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/records.h"
#include "daemon/storage/testing/status_testing.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {
namespace {

Transaction Put(const std::string& key, std::optional<std::string> value) {
  return {{{key, std::move(value)}}, Durability::kRelaxed};
}

TEST_P(OpenTest, ANewStoreGetsItsIdOnce) {
  ASSERT_OK(PrepareStore(store(), "first"));
  ASSERT_OK_AND_ASSIGN(StoreInfo info, GetStoreInfo(*store()));
  EXPECT_EQ(info.store_id, "first");
  EXPECT_EQ(info.schema_version, kSchemaVersion);
  EXPECT_EQ(info.epoch, 1u);
  // It is durable.
  harness()->PowerCut();
  ASSERT_OK(PrepareStore(store(), "second"));
  ASSERT_OK_AND_ASSIGN(info, GetStoreInfo(*store()));
  EXPECT_EQ(info.store_id, "first");
  EXPECT_EQ(info.epoch, 2u);
}

TEST_P(OpenTest, ANewerSchemaIsRefusedAndLeftAlone) {
  ASSERT_OK(PrepareStore(store(), "id"));
  const std::string key = MetaKey(MetaField::kSchema);
  const std::string newer = EncodeSchemaVersion(key, kSchemaVersion + 1);
  ASSERT_OK(store()->Commit({Put(key, newer)}));
  const absl::Status status = PrepareStore(store(), "id");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer version"), std::string::npos);
  EXPECT_NE(status.message().find("schema 2"), std::string::npos) << status;
  ASSERT_OK_AND_ASSIGN(const auto value, store()->Get(key));
  EXPECT_EQ(value, newer);
  ASSERT_OK_AND_ASSIGN(const StoreInfo info, GetStoreInfo(*store()));
  EXPECT_EQ(info.epoch, 1u);
}

TEST_P(OpenTest, ASchemaVersionThatNeverWasIsDataLoss) {
  ASSERT_OK(PrepareStore(store(), "id"));
  const std::string key = MetaKey(MetaField::kSchema);
  ASSERT_OK(store()->Commit({Put(key, EncodeSchemaVersion(key, 0))}));
  EXPECT_EQ(PrepareStore(store(), "id").code(), absl::StatusCode::kDataLoss);
}

TEST_P(OpenTest, WhatMustBeThereIsMissed) {
  for (const MetaField field :
       {MetaField::kSchema, MetaField::kStoreId, MetaField::kFeedEpochs}) {
    ASSERT_OK(PrepareStore(store(), "id"));
    const std::string key = MetaKey(field);
    ASSERT_OK_AND_ASSIGN(const auto kept, store()->Get(key));
    ASSERT_OK(store()->Commit({Put(key, std::nullopt)}));
    const absl::Status status = PrepareStore(store(), "id");
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(status.message().find(DescribeKey(key)), std::string::npos)
        << status;
    ASSERT_OK(store()->Commit({Put(key, kept)}));
  }
}

TEST_P(OpenTest, DamageIsNamed) {
  ASSERT_OK(PrepareStore(store(), "id"));
  const std::string key = MetaKey(MetaField::kStoreId);
  ASSERT_OK(store()->Commit({Put(key, std::string("garbage"))}));
  const absl::Status status = PrepareStore(store(), "id");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("store id"), std::string::npos) << status;
}

TEST_P(OpenTest, OnlyTheLastEpochsAreKept) {
  for (size_t i = 0; i < model::kMaxFeedEpochs + 5; ++i) {
    ASSERT_OK(PrepareStore(store(), "id"));
  }
  ASSERT_OK_AND_ASSIGN(const auto epochs, ReadFeedEpochs(*store()));
  ASSERT_EQ(epochs.size(), model::kMaxFeedEpochs);
  EXPECT_EQ(epochs.front().epoch, 6u);
  EXPECT_EQ(epochs.back().epoch, model::kMaxFeedEpochs + 5);
}

}  // namespace
}  // namespace parley::storage
