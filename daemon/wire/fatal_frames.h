#ifndef DAEMON_WIRE_FATAL_FRAMES_H_
#define DAEMON_WIRE_FATAL_FRAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"

namespace parley::wire {

// Why a server of the plugin dialect might end with this text frame of a
// client, in words for a person; empty: it goes on. It judges by
// tools/realtime_server/PLUGIN.md, PX, and more strictly where that is a guess:
// what cannot be read, or is no object where one is due, is fatal too.
//
// `frame` is an Engine.IO packet as on a WebSocket, `now` the server's time
// when it came.
std::string WhyFatal(absl::string_view frame, base::WallTime now);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_FATAL_FRAMES_H_
