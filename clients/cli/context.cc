#include "clients/cli/context.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/humane.h"

namespace parley::cli {
namespace {

// Why gRPC could not bring the call to the daemon, and what to do.
std::string ExplainUnreachable(const Context& context,
                               const grpc::Status& status) {
  const std::string& path = context.client.socket_path();
  const absl::Status probe = client::ProbeSocket(path);
  const std::string start =
      context.profile == client::kDefaultProfile
          ? "start it with 'parleyd'"
          : absl::StrCat("start it with 'parleyd --profile ", context.profile,
                         "'");
  switch (probe.code()) {
    case absl::StatusCode::kOk:
      return absl::StrCat("the daemon at ", path,
                          " ended the call: ", status.error_message());
    case absl::StatusCode::kInvalidArgument:
      return absl::StrCat(probe.message(), "; check --socket");
    case absl::StatusCode::kPermissionDenied:
      return absl::StrCat(probe.message(),
                          "; the daemon serves its own user only");
    case absl::StatusCode::kUnavailable:
    default:
      return absl::StrCat("the daemon does not run, ", probe.message(), "; ",
                          start);
  }
}

}  // namespace

bool Context::ReadStdin(size_t max_bytes, std::string* text) {
  text->clear();
  char buffer[4096];
  while (in.read(buffer, sizeof(buffer)) || in.gcount() > 0) {
    text->append(buffer, in.gcount());
    if (text->size() > max_bytes + 1) return false;
  }
  if (!text->empty() && text->back() == '\n') text->pop_back();
  return text->size() <= max_bytes;
}

std::string Context::Format(const google::protobuf::Timestamp& time) const {
  return HumaneTime(ToTime(time), absl::Now(), zone);
}

ExitCode Context::Fail(absl::string_view doing, const grpc::Status& status) {
  const client::ErrorDetails details = client::DetailsOf(status);
  std::string why = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      details.reason_name.empty()) {
    why = ExplainUnreachable(*this, status);
  } else if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
             details.reason_name.empty()) {
    why = absl::StrCat("no answer within ", absl::FormatDuration(timeout),
                       " from the daemon at ", client.socket_path(),
                       "; --timeout gives it longer");
  } else if (why.empty()) {
    why = details.reason_name.empty() ? "the daemon does not say why"
                                      : details.reason_name;
  }
  if (details.retry_after.has_value()) {
    absl::StrAppend(&why, "; try again in ",
                    absl::FormatDuration(*details.retry_after));
  }
  out.Note(absl::StrCat("cannot ", doing, ": ", why));
  return ExitCodeOf(status);
}

}  // namespace parley::cli
