#include "daemon/wire/answers.h"

#include <string>

#include "absl/time/time.h"
#include "daemon/model/ids.h"
#include "daemon/model/room.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

Answer Decode(const char* args) { return DecodeAnswer(json::parse(args)); }

TEST(DecodeAnswerTest, Success) {
  const Answer with_data = Decode(R"([{"success":true,"data":{"a":1}}])");
  EXPECT_FALSE(with_data.error.has_value());
  EXPECT_EQ(with_data.data, json({{"a", 1}}));
  const Answer without = Decode(R"([{"success":true}, "an offset"])");
  EXPECT_FALSE(without.error.has_value());
  EXPECT_TRUE(without.data.is_null());
}

TEST(DecodeAnswerTest, Failure) {
  const Answer answer = Decode(
      R"([{"success":false,"error":{"code":"RATE_LIMITED",
           "message":"slow down","retryAfterMs":200,"details":{"x":1}}}])");
  ASSERT_TRUE(answer.error.has_value());
  EXPECT_EQ(answer.error->error_class, ErrorClass::kTransient);
  EXPECT_EQ(answer.error->code, "RATE_LIMITED");
  EXPECT_EQ(answer.error->message, "slow down");
  EXPECT_EQ(answer.error->retry_after, absl::Milliseconds(200));
  EXPECT_TRUE(answer.data.is_null());
}

TEST(DecodeAnswerTest, OfAnyOtherShapeTheOutcomeIsUnknown) {
  for (const char* args :
       {"null", "{}", "[]", "[null]", "[1]", "[[]]", "[{}]", R"(["success"])",
        R"([{"success":1}])", R"([{"success":"true"}])", R"([{"data":{}}])",
        R"([{"success":false}])", R"([{"success":false,"error":"no"}])",
        R"([{"success":false,"error":{}}])",
        R"([{"success":false,"error":{"code":""}}])",
        R"([{"success":false,"error":{"code":7,"message":"m"}}])",
        R"([{"success":false,"error":{"code":"X","message":{}}}])"}) {
    const Answer answer = Decode(args);
    ASSERT_TRUE(answer.error.has_value()) << args;
    EXPECT_EQ(answer.error->code, kMalformedAnswer) << args;
    EXPECT_EQ(answer.error->error_class, ErrorClass::kUnknown) << args;
    EXPECT_FALSE(answer.error->message.empty()) << args;
  }
}

TEST(DecodeAnswerTest, BoundsWhatAServerSays) {
  json error = {{"code", std::string(kMaxErrorCodeBytes, 'C')},
                {"message", std::string(kMaxErrorWordsBytes, 'm')}};
  const auto decode = [&error] {
    return *DecodeAnswer(json::array({{{"success", false}, {"error", error}}}))
                .error;
  };
  EXPECT_EQ(decode().code.size(), kMaxErrorCodeBytes);
  EXPECT_EQ(decode().message, std::string(kMaxErrorWordsBytes, 'm'));
  // Cut before the character that does not fit whole.
  error["message"] =
      std::string(kMaxErrorWordsBytes - 4, 'm') + "\xf0\x9f\x98\x80 and more";
  EXPECT_EQ(decode().message,
            std::string(kMaxErrorWordsBytes - 4, 'm') + "...");
  error["code"] = std::string(kMaxErrorCodeBytes + 1, 'C');
  EXPECT_EQ(decode().code, kMalformedAnswer);
  error["code"] = "BAD\xff";
  EXPECT_EQ(decode().code, kMalformedAnswer);
}

TEST(ClassOfCodeTest, EveryCode) {
  for (const char* code :
       {"INVALID_PAYLOAD", "ROOM_NOT_FOUND", "NOT_IN_ROOM", "FORBIDDEN",
        "MESSAGE_TOO_LARGE", "IDEMPOTENCY_MISMATCH", "UNSUPPORTED",
        "EPOCH_CHANGED"}) {
    EXPECT_EQ(ClassOfCode(code), ErrorClass::kPermanent) << code;
  }
  for (const char* code : {"RATE_LIMITED", "INTERNAL_ERROR", "UNAVAILABLE",
                           "NEVER_HEARD_OF", "", "invalid_payload"}) {
    EXPECT_EQ(ClassOfCode(code), ErrorClass::kTransient) << code;
  }
  EXPECT_EQ(ClassOfCode("OUT_OF_ORDER"), ErrorClass::kOutOfOrder);
  EXPECT_EQ(ClassOfCode("UNAUTHENTICATED"), ErrorClass::kAuth);
}

TEST(RetryAfterOfTest, IsBoundedAndTolerant) {
  const auto read = [](const char* text) {
    return RetryAfterOf(json::parse(text));
  };
  EXPECT_EQ(read(R"({"retryAfterMs":0})"), absl::ZeroDuration());
  EXPECT_EQ(read(R"({"retryAfterMs":1.9})"), absl::Milliseconds(1));
  EXPECT_EQ(read(R"({"retryAfterMs":1e300})"), kMaxRetryAfter);
  EXPECT_EQ(read(R"({"retryAfterMs":3600001})"), kMaxRetryAfter);
  EXPECT_EQ(read(R"({"retryAfterMs":-1})"), std::nullopt);
  EXPECT_EQ(read(R"({"retryAfterMs":"200"})"), std::nullopt);
  EXPECT_EQ(read(R"({})"), std::nullopt);
  EXPECT_EQ(read(R"([])"), std::nullopt);
}

TEST(DecodeSendResultTest, ReadsEverySpelling) {
  for (const char* name : {"messageId", "serverMessageId", "id"}) {
    EXPECT_EQ(DecodeSendResult({{name, "m1"}}).id, model::MessageId("m1"));
  }
  const SendResult result = DecodeSendResult(json::parse(
      R"({"messageId":"m1","id":"other","seq":3,"duplicate":true,
          "timestamp":"2026-11-25T13:50:59.380Z"})"));
  EXPECT_EQ(result.id, model::MessageId("m1"));
  EXPECT_EQ(result.room_seq, 3u);
  EXPECT_EQ(result.sent_at, absl::FromUnixMillis(1795614659380));
  EXPECT_TRUE(result.duplicate);
}

TEST(DecodeSendResultTest, ABrokenPartDoesNotSpoilTheOthers) {
  for (const char* text : {"null", "[]", "3", "{}"}) {
    const SendResult result = DecodeSendResult(json::parse(text));
    EXPECT_TRUE(result.id.empty());
    EXPECT_EQ(result.room_seq, 0u);
    EXPECT_EQ(result.sent_at, std::nullopt);
    EXPECT_FALSE(result.duplicate);
  }
  const SendResult result = DecodeSendResult(json::parse(
      R"({"messageId":17,"seq":-1,"timestamp":"noon","duplicate":true})"));
  EXPECT_TRUE(result.id.empty());
  EXPECT_EQ(result.room_seq, 0u);
  EXPECT_EQ(result.sent_at, std::nullopt);
  EXPECT_TRUE(result.duplicate);
}

TEST(DecodeJoinResultTest, ReadsKindAndCount) {
  const auto kind = [](const char* type) {
    return DecodeJoinResult({{"type", type}}).kind;
  };
  EXPECT_EQ(kind("channel"), model::RoomKind::kChannel);
  EXPECT_EQ(kind("dm"), model::RoomKind::kDirect);
  EXPECT_EQ(kind("group"), model::RoomKind::kGroup);
  EXPECT_EQ(kind("thread"), model::RoomKind::kThread);
  EXPECT_EQ(kind("broadcast"), model::RoomKind::kBroadcast);
  EXPECT_EQ(kind("cave"), model::RoomKind::kUnknown);
  EXPECT_EQ(DecodeJoinResult({{"memberCount", 12}}).member_count, 12u);
  const JoinResult result =
      DecodeJoinResult({{"type", 7}, {"memberCount", 4294967296}});
  EXPECT_EQ(result.kind, model::RoomKind::kUnknown);
  EXPECT_EQ(result.member_count, 0u);
  EXPECT_EQ(DecodeJoinResult({{"type", 7}, {"memberCount", 5}}).member_count,
            5u);
  EXPECT_EQ(DecodeJoinResult(nullptr).member_count, 0u);
}

}  // namespace
}  // namespace parley::wire
