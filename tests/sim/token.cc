#include "tests/sim/token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/sim/socketio_text.h"

namespace parley::sim {
namespace {

using nlohmann::json;

std::string Mac(absl::string_view text, absl::string_view secret) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       &size);
  return std::string(reinterpret_cast<char*>(mac), size);
}

json DecodePart(absl::string_view part) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(part, &text)) return {};
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_object() ? value : json();
}

}  // namespace

std::string SignToken(const json& claims, absl::string_view secret) {
  const std::string header =
      absl::WebSafeBase64Escape(json{{"alg", "HS256"}, {"typ", "JWT"}}.dump());
  const std::string head =
      absl::StrCat(header, ".", absl::WebSafeBase64Escape(claims.dump()));
  return absl::StrCat(head, ".", absl::WebSafeBase64Escape(Mac(head, secret)));
}

std::variant<std::string, TokenRefusal> VerifyToken(const json& token,
                                                    absl::Time now) {
  const TokenRefusal missing{"AUTH_REQUIRED"};
  if (token.is_null()) return missing;
  const TokenRefusal invalid{"INVALID_TOKEN"};
  if (!token.is_string()) return invalid;
  const std::string& text = token.get_ref<const std::string&>();
  if (text.empty()) return missing;
  const std::vector<std::string> parts = absl::StrSplit(text, '.');
  if (parts.size() != 3) return invalid;
  if (TextMember(DecodePart(parts[0]), "alg") != "HS256") return invalid;
  std::string signature;
  if (!absl::WebSafeBase64Unescape(parts[2], &signature) ||
      signature !=
          Mac(absl::StrCat(parts[0], ".", parts[1]), kDevelopmentSecret)) {
    return invalid;
  }
  const json claims = DecodePart(parts[1]);
  const double now_s = absl::ToDoubleSeconds(now - absl::UnixEpoch());
  for (const char* name : {"exp", "nbf"}) {
    const json& time = Member(claims, name);
    if (!time.is_null() && !time.is_number()) return invalid;
  }
  const json& expiry = Member(claims, "exp");
  if (expiry.is_number() && now_s >= expiry.get<double>()) {
    return TokenRefusal{"TOKEN_EXPIRED"};
  }
  const json& not_before = Member(claims, "nbf");
  if (not_before.is_number() && now_s < not_before.get<double>()) {
    return invalid;
  }
  const char* const who = Member(claims, "userId").is_null() ? "sub" : "userId";
  const std::string user = TextMember(claims, who);
  if (user.empty() || user.size() > 255 ||
      user.find('\0') != std::string::npos) {
    return invalid;
  }
  return user;
}

}  // namespace parley::sim
