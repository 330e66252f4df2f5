#include "daemon/wire/token_claims.h"

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/model/ids.h"
#include "gtest/gtest.h"

namespace parley::wire {
namespace {

TokenClaims Read(absl::string_view claims) {
  return ReadTokenClaims(absl::StrCat(absl::WebSafeBase64Escape("{}"), ".",
                                      absl::WebSafeBase64Escape(claims),
                                      ".signature"));
}

TEST(ReadTokenClaimsTest, UserAndExpiry) {
  const TokenClaims claims =
      Read(R"({"userId":"alice","sub":"other","exp":1795614659})");
  EXPECT_EQ(claims.user, model::UserId("alice"));
  EXPECT_EQ(claims.expires_at, absl::FromUnixSeconds(1795614659));
  EXPECT_EQ(Read(R"({"sub":"bob"})").user, model::UserId("bob"));
  EXPECT_EQ(Read(R"({"userId":"","sub":"bob"})").user, model::UserId("bob"));
  EXPECT_EQ(Read(R"({"exp":1.5})").expires_at, absl::FromUnixMillis(1500));
}

TEST(ReadTokenClaimsTest, NamesThatNoServerIsToBeShown) {
  const std::string longest(255, 'u');
  for (const char* name : {"userId", "sessionId"}) {
    EXPECT_EQ(Read(absl::StrCat("{\"", name, "\":\"", longest, "\"}")).problem,
              "");
    EXPECT_EQ(Read(absl::StrCat("{\"", name, "\":\"", longest, "u\"}")).problem,
              absl::StrCat("the token's ", name,
                           " has 256 bytes; at most 255 are safe to send"));
    EXPECT_EQ(Read(absl::StrCat("{\"", name, "\":\"a\\u0000\"}")).problem,
              absl::StrCat("the token's ", name, " has a NUL character"));
  }
  EXPECT_EQ(Read(absl::StrCat(R"({"sub":")", longest, "u\"}")).problem, "");
  EXPECT_EQ(Read(R"({"userId":7})").problem, "");
  EXPECT_EQ(ReadTokenClaims("no token").problem, "");
}

TEST(ReadTokenClaimsTest, IgnoresClaimsThatMakeNoSense) {
  EXPECT_TRUE(Read(R"({"userId":7,"sub":null})").user.empty());
  EXPECT_TRUE(Read(absl::StrCat(R"({"sub":")", std::string(256, 'u'), "\"}"))
                  .user.empty());
  EXPECT_TRUE(Read(R"({"sub":"a\u0000b"})").user.empty());
  for (const char* claims : {R"({"exp":0})", R"({"exp":-5})",
                             R"({"exp":1e300})", R"({"exp":"soon"})"}) {
    EXPECT_EQ(Read(claims).expires_at, std::nullopt) << claims;
  }
}

TEST(ReadTokenClaimsTest, AnythingElseHasNoClaims) {
  for (const std::string& token :
       {std::string(), std::string("opaque"), std::string("user:42"),
        std::string("a.b"), std::string("a.b.c.d"), std::string("a.!!.c"),
        absl::StrCat("a.", absl::WebSafeBase64Escape("not json"), ".c"),
        absl::StrCat("a.", absl::WebSafeBase64Escape("[1]"), ".c"),
        absl::StrCat("a.", absl::WebSafeBase64Escape("{\"sub\":\"\xff\"}"),
                     ".c"),
        absl::StrCat("a.", std::string(100000, 'A'), ".c")}) {
    const TokenClaims claims = ReadTokenClaims(token);
    EXPECT_TRUE(claims.user.empty()) << token.substr(0, 50);
    EXPECT_EQ(claims.expires_at, std::nullopt);
  }
  const std::string deep(1000, '[');
  EXPECT_TRUE(Read(absl::StrCat(R"({"sub":"bob","x":)", deep,
                                std::string(1000, ']'), "}"))
                  .user.empty());
}

}  // namespace
}  // namespace parley::wire
