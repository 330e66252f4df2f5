#include "daemon/transport/resolver.h"

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::transport {
namespace {

using ::testing::HasSubstr;

TEST(SystemLookUpTest, TakesNumericAddressesAsTheyAre) {
  const absl::StatusOr<Addresses> addresses = SystemLookUp("127.0.0.1");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_EQ(*addresses, Addresses{"127.0.0.1"});
}

TEST(SystemLookUpTest, NamesTheHostThatIsUnknown) {
  // A label of 64 bytes: no resolver can know it, and none is asked.
  const std::string host = std::string(64, 'x') + ".invalid";
  const absl::StatusOr<Addresses> addresses = SystemLookUp(host);
  ASSERT_FALSE(addresses.ok());
  EXPECT_THAT(std::string(addresses.status().message()), HasSubstr(host));
}

TEST(InterleaveFamiliesTest, TakesFamiliesInTurn) {
  EXPECT_EQ(InterleaveFamilies({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}),
            (Addresses{"::1", "1.1.1.1", "::2", "2.2.2.2", "::3"}));
  EXPECT_EQ(InterleaveFamilies({"1.1.1.1", "2.2.2.2", "3.3.3.3", "::1"}),
            (Addresses{"1.1.1.1", "::1", "2.2.2.2", "3.3.3.3"}));
  EXPECT_EQ(InterleaveFamilies({"::1", "1.1.1.1"}),
            (Addresses{"::1", "1.1.1.1"}));
  EXPECT_EQ(InterleaveFamilies({"1.1.1.1", "2.2.2.2"}),
            (Addresses{"1.1.1.1", "2.2.2.2"}));
  EXPECT_EQ(InterleaveFamilies({}), Addresses{});
}

TEST(ResolverTest, AnswersOnAnotherThread) {
  Resolver resolver([](const std::string& host) {
    return absl::StatusOr<Addresses>(Addresses{host + "!"});
  });
  std::promise<Addresses> answer;
  ASSERT_TRUE(resolver
                  .Start("a",
                         [&](absl::StatusOr<Addresses> result) {
                           answer.set_value(*std::move(result));
                         })
                  .ok());
  EXPECT_EQ(answer.get_future().get(), Addresses{"a!"});
}

TEST(ResolverTest, BearsWithAFewHangingLookupsOnly) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  auto answers = std::make_shared<std::atomic<int>>(0);
  std::promise<void> all;
  Resolver resolver([released](const std::string&) {
    released.wait();
    return absl::StatusOr<Addresses>(Addresses{});
  });
  auto count = [answers, &all](const absl::StatusOr<Addresses>&) {
    if (++*answers == Resolver::kMaxLookups) all.set_value();
  };
  for (int i = 0; i < Resolver::kMaxLookups; ++i) {
    ASSERT_TRUE(resolver.Start("slow", count).ok());
  }
  const absl::Status refused = resolver.Start("slow", count);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  release.set_value();
  all.get_future().wait();
  // The last callback runs before its place is given back only to a new call
  // that comes in between: Start takes the same lock.
  std::promise<void> again;
  ASSERT_TRUE(resolver
                  .Start("fast",
                         [&again](const absl::StatusOr<Addresses>&) {
                           again.set_value();
                         })
                  .ok());
  again.get_future().wait();
}

TEST(ResolverTest, CallsNobodyOnceItIsGone) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  auto called = std::make_shared<std::atomic<bool>>(false);
  auto looked_up = std::make_shared<std::promise<void>>();
  std::future<void> finished = looked_up->get_future();
  {
    // Fulfilled when the lookup's thread drops the last copy of the function.
    auto on_exit = std::shared_ptr<void>(
        nullptr, [looked_up](void*) { looked_up->set_value(); });
    Resolver resolver([released](const std::string&) {
      released.wait();
      return absl::StatusOr<Addresses>(Addresses{});
    });
    ASSERT_TRUE(resolver
                    .Start("slow",
                           [called, on_exit](const absl::StatusOr<Addresses>&) {
                             *called = true;
                           })
                    .ok());
  }
  release.set_value();
  finished.wait();
  EXPECT_FALSE(*called);
}

}  // namespace
}  // namespace parley::transport
