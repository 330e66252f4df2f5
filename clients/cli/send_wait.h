#ifndef CLIENTS_CLI_SEND_WAIT_H_
#define CLIENTS_CLI_SEND_WAIT_H_

#include <string>

#include "clients/cli/context.h"
#include "parley/v1/message_service.pb.h"

namespace parley::cli {

// Waits, without an end, for what becomes of a message that was accepted.
//   request: as it was sent, with its client message id.
//   response: the daemon's answer; brought up to date.
//   failure: why it failed, for a person, when that is the outcome.
// OK once the outcome is not QUEUED any more.
grpc::Status AwaitOutcome(const v1::SendMessageRequest& request,
                          Context& context, v1::SendMessageResponse* response,
                          std::string* failure);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_SEND_WAIT_H_
