#include "daemon/rpc/connection_refusal.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// That gRPC clients understand the answer is tested in listener_test.cc.
namespace parley::rpc {
namespace {

using ::testing::HasSubstr;

constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Frame(char type, char flags, char stream,
                  absl::string_view payload) {
  const char head[] = {0,
                       static_cast<char>(payload.size() >> 8),
                       static_cast<char>(payload.size()),
                       type,
                       flags,
                       0,
                       0,
                       0,
                       stream};
  return absl::StrCat(absl::string_view(head, sizeof(head)), payload);
}

ConnectionRefusal Refuse() {
  return ConnectionRefusal(model::MakeError(absl::StatusCode::kPermissionDenied,
                                            model::ErrorReason::kPeerNotAllowed,
                                            "not you: 50% \n sure"));
}

TEST(ConnectionRefusalTest, AnswersEachCallOnItsStream) {
  ConnectionRefusal refusal = Refuse();
  EXPECT_EQ(refusal.Greeting(), Frame(4, 0, 0, ""));
  EXPECT_EQ(refusal.Feed(kPreface), "");
  EXPECT_EQ(refusal.Feed(Frame(4, 0, 0, "settings")), Frame(4, 1, 0, ""));
  for (const char stream : {'\1', '\3'}) {
    const std::string answer = refusal.Feed(
        absl::StrCat(Frame(1, 4, stream, "headers"), Frame(0, 1, stream, "x")));
    EXPECT_EQ(answer[3], 1);  // HEADERS
    EXPECT_EQ(answer[4], 5);  // END_HEADERS, END_STREAM
    EXPECT_EQ(answer[8], stream);
    EXPECT_THAT(answer, HasSubstr("grpc-status\x01"
                                  "7"));
    EXPECT_THAT(answer, HasSubstr("not you: 50%25 %0A sure"));
  }
  EXPECT_FALSE(refusal.done());
}

TEST(ConnectionRefusalTest, AnyCutOfTheBytesSaysTheSame) {
  const std::string input = absl::StrCat(
      kPreface, Frame(4, 0, 0, "abcdef"), Frame(1, 4, 1, "headers"),
      Frame(8, 0, 0, "0000"), Frame(1, 5, 3, std::string(300, 'h')));
  ConnectionRefusal at_once = Refuse();
  const std::string expected = at_once.Feed(input);
  for (size_t step = 1; step < 20; ++step) {
    ConnectionRefusal refusal = Refuse();
    std::string answer;
    for (size_t at = 0; at < input.size(); at += step) {
      answer += refusal.Feed(absl::string_view(input).substr(at, step));
    }
    EXPECT_EQ(answer, expected) << step;
  }
}

TEST(ConnectionRefusalTest, AcknowledgementsAreNotAnswered) {
  ConnectionRefusal refusal = Refuse();
  EXPECT_EQ(refusal.Feed(absl::StrCat(kPreface, Frame(4, 1, 0, ""))), "");
}

TEST(ConnectionRefusalTest, WhatIsNoHttp2EndsIt) {
  ConnectionRefusal refusal = Refuse();
  EXPECT_EQ(refusal.Feed("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
  EXPECT_TRUE(refusal.done());
}

TEST(ConnectionRefusalTest, TooManyCallsEndIt) {
  ConnectionRefusal refusal = Refuse();
  refusal.Feed(kPreface);
  for (int i = 0; i < ConnectionRefusal::kMaxCalls; ++i) {
    EXPECT_NE(refusal.Feed(Frame(1, 4, 1, "")), "");
  }
  EXPECT_FALSE(refusal.done());
  EXPECT_EQ(refusal.Feed(Frame(1, 4, 1, "")), "");
  EXPECT_TRUE(refusal.done());
}

TEST(ConnectionRefusalTest, TooManyBytesEndIt) {
  ConnectionRefusal refusal = Refuse();
  refusal.Feed(kPreface);
  const std::string frame = Frame(0, 0, 1, std::string(1024, 'x'));
  for (size_t sent = kPreface.size();
       sent + frame.size() <= ConnectionRefusal::kMaxBytes;
       sent += frame.size()) {
    EXPECT_EQ(refusal.Feed(frame), "");
    EXPECT_FALSE(refusal.done());
  }
  refusal.Feed(frame);
  EXPECT_TRUE(refusal.done());
}

}  // namespace
}  // namespace parley::rpc
