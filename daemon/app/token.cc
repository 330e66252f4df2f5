#include "daemon/app/token.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/app/read_file.h"

namespace parley::app {

absl::StatusOr<base::Secret> ParseToken(absl::string_view text,
                                        absl::string_view source) {
  const absl::string_view token = absl::StripAsciiWhitespace(text);
  if (token.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is no token: ", source, " is empty"));
  }
  for (const char c : token) {
    if (!absl::ascii_isgraph(c)) {
      return absl::FailedPreconditionError(absl::StrCat(
          source, " is no token: a token is one word of printable ASCII"));
    }
  }
  return base::Secret(token);
}

absl::StatusOr<FileToken> ReadTokenFile(const std::string& path) {
  absl::StatusOr<FileContent> file = ReadFile(path, kMaxTokenBytes);
  if (!file.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot read the token: ", file.status().message(),
        absl::IsNotFound(file.status())
            ? "; write the token into it, for you alone (chmod 600)"
            : ""));
  }
  absl::StatusOr<base::Secret> token =
      ParseToken(file->bytes.Reveal(), absl::StrCat("what is in ", path));
  if (!token.ok()) return token.status();
  return FileToken{*std::move(token), (file->mode & 077) != 0};
}

}  // namespace parley::app
