#include "daemon/wire/refusal.h"

#include <string>

namespace parley::wire {

RequestError DecodeRefusal(absl::string_view message,
                           const nlohmann::json& data) {
  RequestError error;
  error.error_class = ErrorClass::kAuth;
  error.code = "REFUSED";
  error.message = std::string(message);
  if (!data.is_object()) return error;
  const auto code = data.find("code");
  if (code != data.end() && code->is_string()) {
    error.code = code->get<std::string>();
    for (const char* transient :
         {"RATE_LIMITED", "UNAVAILABLE", "INTERNAL_ERROR"}) {
      if (error.code == transient) error.error_class = ErrorClass::kTransient;
    }
  }
  const auto retry = data.find("retryAfterMs");
  if (retry != data.end() && retry->is_number()) {
    const double ms = retry->get<double>();
    if (ms >= 0 && ms < 1e9) {
      error.retry_after = absl::Milliseconds(static_cast<int64_t>(ms));
    }
  }
  return error;
}

}  // namespace parley::wire
