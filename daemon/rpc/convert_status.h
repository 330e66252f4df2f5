#ifndef DAEMON_RPC_CONVERT_STATUS_H_
#define DAEMON_RPC_CONVERT_STATUS_H_

#include "daemon/model/capabilities.h"
#include "daemon/model/connection.h"
#include "daemon/model/sync.h"
#include "parley/v1/status.pb.h"
#include "parley/v1/sync.pb.h"

// What the daemon says of itself and of the server, in the words of the API.
// Pure functions; what convert.h says of numbers and times holds here too.
namespace parley::rpc {

namespace v1 = ::parley::v1;

void ToProto(const model::ServerCapabilities& from, v1::ServerCapabilities* to);

void ToProto(const model::SyncStatus& from, v1::SyncState* to);

// Fills in what the core knows: connection, server, outbox, rooms and sync.
void ToProto(const model::CoreStatus& from, v1::DaemonStatus* to);

// The limits that GetCapabilities tells.
v1::DaemonLimits DaemonLimitsProto();

}  // namespace parley::rpc

#endif  // DAEMON_RPC_CONVERT_STATUS_H_
