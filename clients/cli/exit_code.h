#ifndef CLIENTS_CLI_EXIT_CODE_H_
#define CLIENTS_CLI_EXIT_CODE_H_

#include <grpcpp/grpcpp.h>

namespace parley::cli {

// What the process ends with. Scripts rely on the numbers.
enum ExitCode : int {
  kDone = 0,
  kRefused = 1,            // understood, and not done
  kUsage = 2,              // the command line is wrong
  kUnreachable = 3,        // no daemon answers
  kCredentialsNeeded = 4,  // the daemon has no usable token
  kLimitReached = 5,       // the outbox, the disk or a size is at its limit
  kTimedOut = 6,           // --timeout or --wait is over
  kNotFound = 7,
  kConflict = 8,  // the id is of another message, or it is too late
};

// The code for a call that ended with this status.
ExitCode ExitCodeOf(const grpc::Status& status);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_EXIT_CODE_H_
