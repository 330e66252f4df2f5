#ifndef CLIENTS_CLI_STATUS_TEXT_H_
#define CLIENTS_CLI_STATUS_TEXT_H_

#include <string>

#include "clients/cli/context.h"
#include "clients/cli/output.h"
#include "parley/v1/room.pb.h"
#include "parley/v1/status.pb.h"

// The daemon's status, and a room's, in words.
namespace parley::cli {

// Whether requests reach the server in this state.
bool IsConnected(v1::ConnectionState state);

// "READY", coloured.
Cell StateCell(v1::ConnectionState state);

// "joined", "leaving", "pending" or "refused".
Cell RoomCell(const v1::Room& room);

// What goes with the state: since when and why, and what comes next.
std::string DescribeConnection(const Context& context,
                               const v1::ConnectionStatus& connection);

// Who this device is to the server.
std::string DescribeAccount(const v1::ConnectionStatus& connection);

// Until when the token in use is good.
Cell DescribeToken(const v1::ConnectionStatus& connection);

// All of it, a line a subject.
void PrintStatus(const v1::DaemonStatus& status, Context& context);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_STATUS_TEXT_H_
