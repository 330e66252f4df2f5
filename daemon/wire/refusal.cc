#include "daemon/wire/refusal.h"

#include <string>

#include "daemon/wire/answers.h"
#include "daemon/wire/field_reader.h"

namespace parley::wire {

RequestError DecodeRefusal(absl::string_view message,
                           const nlohmann::json& data) {
  RequestError error;
  error.error_class = ErrorClass::kAuth;
  error.message = CutWords(message);
  std::string problem;
  FieldReader reader("", data, &problem);
  error.code = reader.Name({"code"}, kMaxErrorCodeBytes);
  if (error.code.empty()) error.code = kRefused;
  for (const char* transient :
       {"RATE_LIMITED", "UNAVAILABLE", "INTERNAL_ERROR"}) {
    if (error.code == transient) error.error_class = ErrorClass::kTransient;
  }
  error.retry_after = RetryAfterOf(data);
  return error;
}

}  // namespace parley::wire
