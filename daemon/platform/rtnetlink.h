#ifndef DAEMON_PLATFORM_RTNETLINK_H_
#define DAEMON_PLATFORM_RTNETLINK_H_

#include <linux/netlink.h>

#include <optional>

#include "daemon/platform/network_picture.h"

namespace parley::platform {

// What one whole message of NETLINK_ROUTE says, if it is of a link, an address
// or a route that may lead out: neither loopback's own table, nor one that
// refuses. Malformed ones say nothing.
std::optional<NetworkChange> ParseNetworkChange(const nlmsghdr& message);

}  // namespace parley::platform

#endif  // DAEMON_PLATFORM_RTNETLINK_H_
