#include "daemon/rpc/paging.h"

#include "daemon/model/errors.h"
#include "gtest/gtest.h"

namespace parley::rpc {
namespace {

TEST(PagingTest, PageSizeHasADefaultAndAMaximum) {
  EXPECT_EQ(*PageSize(0), 50u);
  EXPECT_EQ(*PageSize(1), 1u);
  EXPECT_EQ(*PageSize(1000), 1000u);
  EXPECT_EQ(*PageSize(1001), 1000u);
  EXPECT_EQ(model::ErrorFieldOf(PageSize(-1).status()), "page_size");
}

TEST(PagingTest, TokenGivesItsCursorBack) {
  const std::string cursor("a\0b\xff", 4);
  EXPECT_EQ(*DecodePageToken("rooms", EncodePageToken("rooms", cursor)),
            cursor);
}

TEST(PagingTest, TokenOfAnotherListIsRefused) {
  for (const char* other : {"room", "roomsx", "outbox", ""}) {
    const auto cursor = DecodePageToken("rooms", EncodePageToken(other, "x"));
    EXPECT_EQ(model::ErrorFieldOf(cursor.status()), "page_token") << other;
  }
}

TEST(PagingTest, WhatIsNoTokenIsRefused) {
  for (const char* text : {"", "!", "rooms", "NTpyb29t"}) {
    EXPECT_EQ(DecodePageToken("rooms", text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace parley::rpc
