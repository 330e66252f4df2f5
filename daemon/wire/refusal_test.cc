#include "daemon/wire/refusal.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

TEST(DecodeRefusalTest, ATokenThatWasTurnedDown) {
  const RequestError bare = DecodeRefusal("Invalid token", nullptr);
  EXPECT_EQ(bare.error_class, ErrorClass::kAuth);
  EXPECT_EQ(bare.code, kRefused);
  EXPECT_EQ(bare.message, "Invalid token");
  const RequestError expired =
      DecodeRefusal("Invalid token", {{"code", "TOKEN_EXPIRED"}});
  EXPECT_EQ(expired.error_class, ErrorClass::kAuth);
  EXPECT_EQ(expired.code, "TOKEN_EXPIRED");
}

TEST(DecodeRefusalTest, AServerThatIsBusy) {
  for (const char* code : {"RATE_LIMITED", "UNAVAILABLE", "INTERNAL_ERROR"}) {
    const RequestError error =
        DecodeRefusal("later", {{"code", code}, {"retryAfterMs", 2000}});
    EXPECT_EQ(error.error_class, ErrorClass::kTransient) << code;
    EXPECT_EQ(error.code, code);
    EXPECT_EQ(error.retry_after, absl::Seconds(2));
  }
}

TEST(DecodeRefusalTest, BearsAnyData) {
  for (const json& data :
       {json(), json(1), json("x"), json::array(), json::object(),
        json({{"code", 7}, {"retryAfterMs", "x"}}),
        json({{"code", std::string(1000, 'c')}, {"retryAfterMs", -1}}),
        json({{"code", "\xff"}})}) {
    const RequestError error = DecodeRefusal("no", data);
    EXPECT_EQ(error.error_class, ErrorClass::kAuth);
    EXPECT_EQ(error.code, kRefused);
    EXPECT_EQ(error.retry_after, std::nullopt);
  }
  EXPECT_LE(DecodeRefusal(std::string(100000, 'm'), nullptr).message.size(),
            1024u);
}

}  // namespace
}  // namespace parley::wire
