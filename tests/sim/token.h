#ifndef TESTS_SIM_TOKEN_H_
#define TESTS_SIM_TOKEN_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

// JSON Web Tokens signed with HS256, as rules C-1 to C-3 of
// tools/realtime_server/PROTOCOL.md have them.
namespace parley::sim {

// Of tokens that a test need not renew: 2100-01-01.
inline constexpr int64_t kTokenExpiry = 4102444800;
inline constexpr char kDevelopmentSecret[] =
    "parley-development-secret-not-for-production";

std::string SignToken(const nlohmann::json& claims,
                      absl::string_view secret = kDevelopmentSecret);

// The user that the token names, or the code of the refusal.
struct TokenRefusal {
  std::string code;
};
std::variant<std::string, TokenRefusal> VerifyToken(const nlohmann::json& token,
                                                    absl::Time now);

}  // namespace parley::sim

#endif  // TESTS_SIM_TOKEN_H_
