#ifndef CLIENTS_CLI_MESSAGE_TEXT_H_
#define CLIENTS_CLI_MESSAGE_TEXT_H_

#include "clients/cli/output.h"
#include "parley/v1/message.pb.h"
#include "parley/v1/outbox.pb.h"

// Messages and outbox entries in words.
namespace parley::cli {

// "sent"; empty for a message of another's.
Cell DeliveryCell(v1::DeliveryState state);

// "pending".
Cell OutboxCell(v1::OutboxState state);

// Why an entry is parked, with the server's words; empty when it is not.
std::string DescribeFailure(const v1::OutboxEntry& entry);

// The text, or what stands for it where there is none.
std::string DescribeText(const v1::Message& message);
std::string DescribeText(const v1::OutboxEntry& entry);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_MESSAGE_TEXT_H_
