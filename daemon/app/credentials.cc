#include "daemon/app/credentials.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/app/read_file.h"
#include "daemon/base/logging.h"

namespace parley::app {
namespace {

// The core has one fetch on its way at a time, and gives up one that takes too
// long: these are its past.
constexpr size_t kMaxFetches = 64;

}  // namespace

absl::StatusOr<Token> ReadToken(const std::string& path) {
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "there is no token: set token_file in the configuration, or give "
        "--token-file");
  }
  absl::StatusOr<FileContent> file = ReadFile(path, kMaxTokenBytes);
  if (!file.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot read the token: ", file.status().message(),
        absl::IsNotFound(file.status())
            ? "; write the token into it, for you alone (chmod 600)"
            : ""));
  }
  const absl::string_view text =
      absl::StripAsciiWhitespace(file->bytes.Reveal());
  if (text.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no token: ", path, " is empty"));
  }
  for (const char c : text) {
    if (!absl::ascii_isgraph(c)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path, " holds no token: a token is one word of printable ASCII"));
    }
  }
  Token token;
  token.value = base::Secret(text);
  token.exposed = (file->mode & 077) != 0;
  return token;
}

TokenFileCredentials::TokenFileCredentials(std::string path,
                                           runtime::EventSink* sink)
    : path_(std::move(path)),
      sink_(sink),
      worker_("parley-tokens", kMaxFetches) {}

void TokenFileCredentials::Keep(base::Secret token) {
  kept_ = std::move(token);
}

void TokenFileCredentials::Fetch(core::FetchId fetch) {
  // Posted by the worker in any case: the core's own thread may not wait.
  auto job = [this, fetch, kept = kept_] {
    if (kept.empty()) {
      ReadAndPost(fetch);
    } else {
      sink_->Post(core::CredentialsFetched{fetch, kept});
    }
  };
  if (!worker_.TryRun(std::move(job))) {
    base::logging::Warning("the token file has not been read for many attempts",
                           {{"file", path_}});
  }
}

void TokenFileCredentials::ReadAndPost(core::FetchId fetch) {
  absl::StatusOr<Token> token = ReadToken(path_);
  core::CredentialsFetched event;
  event.fetch = fetch;
  if (token.ok()) {
    if (token->exposed && !warned_) {
      base::logging::Warning("others can read the token file; chmod 600 it",
                             {{"file", path_}});
    }
    warned_ = token->exposed;
    event.token = std::move(token->value);
  } else {
    event.token = std::move(token).status();
  }
  sink_->Post(std::move(event));
}

}  // namespace parley::app
