#include "daemon/runtime/effect_router.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace parley::runtime {
namespace {

using ::testing::ElementsAre;

// Every port at once; writes down what reaches it.
class Recorder : public TransportPort,
                 public CredentialsPort,
                 public ClientPort {
 public:
  void Open(core::ConnectionId connection, const std::string& url) override {
    lines.push_back(absl::StrCat("open ", connection.value(), " ", url));
  }
  void Send(core::ConnectionId connection, std::string text) override {
    lines.push_back(absl::StrCat("send ", connection.value(), " ", text));
  }
  void Close(core::ConnectionId connection) override {
    lines.push_back(absl::StrCat("close ", connection.value()));
  }
  void Keep(base::Secret token) override {
    lines.push_back(token.empty() ? "forget" : "keep");
  }
  void Fetch(core::FetchId fetch) override {
    lines.push_back(absl::StrCat("fetch ", fetch.value()));
  }
  void OnReply(core::CallId call,
               absl::StatusOr<core::ReplyBody> result) override {
    lines.push_back(absl::StrCat("reply ", call.value(), " ", result.ok()));
  }
  void OnFeedAdvanced(model::ChangeSeq last) override {
    lines.push_back(absl::StrCat("feed ", last.value()));
  }
  void OnStatus(const model::CoreStatus& status) override {
    lines.push_back(absl::StrCat("status ", status.connection.cause));
  }

  std::vector<std::string> lines;
};

class EffectRouterTest : public ::testing::Test {
 protected:
  Recorder recorder_;
  TimerQueue timers_;
  EffectRouter router_{{&recorder_, &recorder_, &recorder_, &timers_}};
};

constexpr core::ConnectionId kFirst(1);

TEST_F(EffectRouterTest, BringsEachEffectToItsPort) {
  router_.Perform(core::OpenConnection{kFirst, "http://h"});
  router_.Perform(core::SendFrame{kFirst, "40"});
  router_.Perform(core::CloseConnection{kFirst});
  router_.Perform(core::FetchCredentials{core::FetchId(2)});
  router_.Perform(core::Reply{core::CallId(3), core::ReplyBody(core::Done{})});
  router_.Perform(core::Reply{core::CallId(4), absl::InternalError("x")});
  router_.Perform(core::FeedAdvanced{model::ChangeSeq(5)});
  core::StatusChanged changed;
  changed.status.connection.cause = "why";
  router_.Perform(changed);
  router_.Perform(core::Log{core::Log::Severity::kDebug, "not for a port"});
  EXPECT_THAT(recorder_.lines,
              ElementsAre("open 1 http://h", "send 1 40", "close 1", "fetch 2",
                          "reply 3 1", "reply 4 0", "feed 5", "status why"));
}

TEST_F(EffectRouterTest, SetsAndCancelsTimers) {
  const core::TimerId retry{core::TimerKind::kConnectRetry, {}};
  const base::MonotonicTime at(absl::Seconds(5));
  router_.Perform(core::SetTimer{retry, at});
  EXPECT_EQ(timers_.next(), at);
  router_.Perform(core::CancelTimer{retry});
  EXPECT_EQ(timers_.next(), base::MonotonicTime::InfiniteFuture());
}

TEST_F(EffectRouterTest, ARebuiltEngineHasNoTimerAndNoConnection) {
  router_.Perform(core::OpenConnection{kFirst, "http://h"});
  router_.Perform(core::SetTimer{{core::TimerKind::kConnectRetry, {}},
                                 base::MonotonicTime(absl::Seconds(5))});
  router_.Perform(core::EngineRebuilt{});
  EXPECT_THAT(recorder_.lines, ElementsAre("open 1 http://h", "close 1"));
  EXPECT_EQ(timers_.next(), base::MonotonicTime::InfiniteFuture());
  // There is nothing left to close.
  router_.Perform(core::EngineRebuilt{});
  EXPECT_EQ(recorder_.lines.size(), 2u);
}

TEST_F(EffectRouterTest, DoesNotCloseTwiceWhatTheCoreClosed) {
  router_.Perform(core::OpenConnection{kFirst, "http://h"});
  router_.Perform(core::CloseConnection{kFirst});
  router_.Perform(core::EngineRebuilt{});
  EXPECT_THAT(recorder_.lines, ElementsAre("open 1 http://h", "close 1"));
}

}  // namespace
}  // namespace parley::runtime
