#include "daemon/wire/token_claims.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daemon/base/json.h"
#include "daemon/model/limits.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

// Larger tokens exist, but none whose claims are worth reading.
constexpr size_t kMaxTokenBytes = 64 * 1024;
// Some issuers put objects of their own in; none of these is read.
constexpr int kMaxClaimsDepth = 32;

model::UserId UserClaim(const nlohmann::json& claims) {
  for (const char* name : {"userId", "sub"}) {
    const auto it = claims.find(name);
    if (it == claims.end() || !it->is_string()) continue;
    const std::string& value = it->get_ref<const std::string&>();
    if (!value.empty() && value.size() <= model::kMaxForeignIdBytes &&
        value.find('\0') == std::string::npos) {
      return model::UserId(value);
    }
  }
  return model::UserId();
}

std::string ProblemOf(const nlohmann::json& claims) {
  for (const char* name : {"userId", "sessionId"}) {
    const auto it = claims.find(name);
    if (it == claims.end() || !it->is_string()) continue;
    const std::string& value = it->get_ref<const std::string&>();
    if (value.find('\0') != std::string::npos) {
      return absl::StrCat("the token's ", name, " has a NUL character");
    }
    if (value.size() > model::kMaxForeignIdBytes) {
      return absl::StrCat("the token's ", name, " has ", value.size(),
                          " bytes; at most ", model::kMaxForeignIdBytes,
                          " are safe to send");
    }
  }
  return "";
}

}  // namespace

TokenClaims ReadTokenClaims(absl::string_view token) {
  TokenClaims result;
  if (token.size() > kMaxTokenBytes) return result;
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  std::string payload;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &payload)) {
    return result;
  }
  const absl::StatusOr<nlohmann::json> claims =
      base::ParseJson(payload, kMaxClaimsDepth);
  if (!claims.ok() || !claims->is_object()) return result;
  result.user = UserClaim(*claims);
  result.problem = ProblemOf(*claims);
  const auto exp = claims->find("exp");
  if (exp != claims->end() && exp->is_number()) {
    const double seconds = exp->get<double>();
    if (seconds > 0 && seconds < 1e11) {
      result.expires_at =
          absl::FromUnixMillis(static_cast<int64_t>(seconds * 1000));
    }
  }
  return result;
}

}  // namespace parley::wire
