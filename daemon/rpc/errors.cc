#include "daemon/rpc/errors.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/model/errors.h"
#include "daemon/model/ids.h"
#include "daemon/rpc/convert_value.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace parley::rpc {
namespace {

// gRPC's clients take 8 KiB of trailing metadata; when an error has more, they
// see another one that says nothing. The text goes out up to three times, once
// with up to three bytes for each of its own.
constexpr size_t kMaxTextBytes = 1000;

// The first so many bytes, without a character that is cut in two.
absl::string_view Clip(absl::string_view text) {
  size_t size = kMaxTextBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
    --size;
  }
  return text.substr(0, size);
}

// A text that may quote what a stranger sent, as clients can read it: a
// protobuf string must be UTF-8, or all details are lost.
std::string Readable(absl::string_view text) {
  std::string result = text.size() <= kMaxTextBytes
                           ? std::string(text)
                           : absl::StrCat(Clip(text), " ...");
  if (model::IsValidUtf8(result)) return result;
  for (char& c : result) {
    if ((static_cast<unsigned char>(c) & 0x80) != 0) c = '?';
  }
  return result;
}

}  // namespace

std::string ErrorDetails(const absl::Status& status) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(Readable(status.message()));

  google::rpc::ErrorInfo info;
  info.set_domain(kErrorDomain);
  info.set_reason(
      std::string(model::ErrorReasonName(model::ErrorReasonOf(status))));
  details.add_details()->PackFrom(info);

  if (const auto delay = model::RetryAfterOf(status)) {
    google::rpc::RetryInfo retry;
    SetDuration(*delay, retry.mutable_retry_delay());
    details.add_details()->PackFrom(retry);
  }
  if (const auto field = model::ErrorFieldOf(status)) {
    google::rpc::BadRequest bad_request;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(Readable(*field));
    violation->set_description(details.message());
    details.add_details()->PackFrom(bad_request);
  }
  return details.SerializeAsString();
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      Readable(status.message()), ErrorDetails(status));
}

absl::Status ShuttingDownError() {
  return model::MakeError(absl::StatusCode::kUnavailable,
                          model::ErrorReason::kShuttingDown,
                          "the daemon is stopping; call again when it is back");
}

}  // namespace parley::rpc
