#include "daemon/app/credentials.h"

#include <utility>

#include "absl/status/status.h"
#include "daemon/app/token.h"
#include "daemon/base/logging.h"

namespace parley::app {
namespace {

// The core has one fetch on its way at a time, and gives up one that takes too
// long: these are its past.
constexpr size_t kMaxFetches = 64;

}  // namespace

Credentials::Credentials(Source source, runtime::EventSink* sink)
    : file_(std::move(source.file)),
      sink_(sink),
      worker_("parley-tokens", kMaxFetches) {
  if (source.command.has_value()) {
    command_.emplace(*std::move(source.command));
  }
}

void Credentials::Keep(base::Secret token) { kept_ = std::move(token); }

void Credentials::Fetch(core::FetchId fetch) {
  // Posted by the worker in any case: the core's own thread may not wait.
  auto job = [this, fetch, kept = kept_] {
    sink_->Post(core::CredentialsFetched{
        fetch, kept.empty() ? Read() : absl::StatusOr<base::Secret>(kept)});
  };
  if (!worker_.TryRun(std::move(job))) {
    base::logging::Warning("the token file has not been read for many attempts",
                           {{"file", file_}});
  }
}

void Credentials::Stop() {
  worker_.RequestStop();
  if (command_.has_value()) command_->Cancel();
  worker_.Stop();
}

absl::StatusOr<base::Secret> Credentials::Read() {
  if (command_.has_value()) return command_->Run();
  if (!file_.empty()) return ReadFileAndWarn();
  return absl::FailedPreconditionError(
      "there is no token: set token_file or token_command in the "
      "configuration, give --token-file, or hand one over with parleyctl auth "
      "set-token");
}

absl::StatusOr<base::Secret> Credentials::ReadFileAndWarn() {
  absl::StatusOr<FileToken> token = ReadTokenFile(file_);
  if (!token.ok()) return token.status();
  if (token->exposed && !warned_) {
    base::logging::Warning("others can read the token file; chmod 600 it",
                           {{"file", file_}});
  }
  warned_ = token->exposed;
  return std::move(token->value);
}

}  // namespace parley::app
