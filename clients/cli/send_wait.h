#ifndef CLIENTS_CLI_SEND_WAIT_H_
#define CLIENTS_CLI_SEND_WAIT_H_

#include "clients/cli/context.h"
#include "parley/v1/message_service.pb.h"

namespace parley::cli {

// Waits for what becomes of a message that was accepted, and says on stderr
// why it was not sent, or what keeps it waiting. Ends when the outcome is not
// QUEUED any more, when the daemon needs credentials, which time does not
// bring, or when a --timeout that was given is over.
//   request: as it was sent, with its client message id.
//   response: the daemon's answer; brought up to date.
ExitCode AwaitOutcome(const v1::SendMessageRequest& request, Context& context,
                      v1::SendMessageResponse* response);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_SEND_WAIT_H_
