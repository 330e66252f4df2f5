#ifndef DAEMON_APP_TOKEN_COMMAND_H_
#define DAEMON_APP_TOKEN_COMMAND_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/app/token.h"
#include "daemon/base/secret.h"

namespace parley::app {

// A program that prints the token: a password manager, a login tool. It is run
// without a shell, in a process group of its own, with nothing on its stdin and
// nothing else of ours open. What is left of that group is killed when the
// program ends, as all of it is at the deadline: a token is all that is wanted.
//
// One thread runs it; Cancel is for any.
class TokenCommand {
 public:
  struct Options {
    // The program, looked for in $PATH unless it has a slash, and what it is
    // called with. At least the program.
    std::vector<std::string> arguments;
    // All that it gets.
    std::map<std::string, std::string> environment;
    // A person may have to touch a key; the core gives up after
    // model::kConnectTimeout, which is longer.
    absl::Duration deadline = absl::Seconds(10);
  };

  explicit TokenCommand(Options options);
  ~TokenCommand();

  TokenCommand(const TokenCommand&) = delete;
  TokenCommand& operator=(const TokenCommand&) = delete;

  // FAILED_PRECONDITION says why there is no token, with the last line that
  // the program wrote to stderr; UNAVAILABLE: it was cancelled.
  absl::StatusOr<base::Secret> Run();

  // The run under way, and every later one, ends at once.
  void Cancel();

 private:
  absl::Status Failed(absl::string_view what) const;
  // `status` is that of waitpid.
  absl::StatusOr<base::Secret> Judge(int status, absl::string_view output,
                                     absl::string_view last_line) const;

  const Options options_;
  int cancel_fd_;  // an eventfd that is never read; -1: could not be made
};

// What may be told of a line that a program wrote to stderr: its beginning,
// without `token` and without anything that looks like a JWT.
std::string LastWords(absl::string_view line, const base::Secret& token);

}  // namespace parley::app

#endif  // DAEMON_APP_TOKEN_COMMAND_H_
