#ifndef DAEMON_WIRE_TOKEN_CLAIMS_H_
#define DAEMON_WIRE_TOKEN_CLAIMS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/model/ids.h"

namespace parley::wire {

// What a token says of itself. Not verified: only the server can, and only it
// decides. Used to know whose token it is, and until when.
struct TokenClaims {
  model::UserId user;  // `userId`, else `sub`; empty: it does not say
  std::optional<base::WallTime> expires_at;  // `exp`
  // Why no server is to be shown this token, in words for a person; empty: it
  // may be. A name that is too long has been seen to end a server's process.
  std::string problem;
};

// Empty claims for anything that is no JWT.
TokenClaims ReadTokenClaims(absl::string_view token);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_TOKEN_CLAIMS_H_
