#include "daemon/app/status_reporter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace parley::app {
namespace {

// Lines that the service manager has not read; more are not worth keeping.
constexpr size_t kMaxLines = 16;

}  // namespace

std::string DescribeConnection(const model::ConnectionStatus& status) {
  std::string line(model::ConnectionStateName(status.state));
  switch (status.state) {
    case model::ConnectionState::kReady:
      absl::StrAppend(&line, ": ", status.user.value(), " at ",
                      status.server_url);
      break;
    case model::ConnectionState::kWaiting:
    case model::ConnectionState::kCredentialsRequired:
      absl::StrAppend(&line, ": ",
                      status.last_error_message.empty()
                          ? status.cause
                          : status.last_error_message);
      break;
    default:
      break;
  }
  return line;
}

StatusReporter::StatusReporter(runtime::ClientPort* clients,
                               Readiness* readiness)
    : clients_(clients),
      readiness_(readiness),
      worker_("parley-status", kMaxLines) {}

void StatusReporter::OnReply(core::CallId call,
                             absl::StatusOr<core::ReplyBody> result) {
  clients_->OnReply(call, std::move(result));
}

void StatusReporter::OnFeedAdvanced(model::ChangeSeq last) {
  clients_->OnFeedAdvanced(last);
}

void StatusReporter::OnStatus(const model::CoreStatus& status) {
  connection_ = DescribeConnection(status.connection);
  Report(connection_);
  clients_->OnStatus(status);
}

void StatusReporter::OnStoreStatus(const absl::Status& status) {
  Report(status.ok() ? connection_
                     : absl::StrCat("the store failed: ", status.message()));
}

void StatusReporter::Report(const std::string& line) {
  if (line == reported_) return;
  reported_ = line;
  worker_.TryRun([this, line] { readiness_->Status(line); });
}

}  // namespace parley::app
