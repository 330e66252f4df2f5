#ifndef DAEMON_APP_LOCAL_SERVER_H_
#define DAEMON_APP_LOCAL_SERVER_H_

#include <string>

namespace parley::app {

// Whether the server with this URL runs on this device, as far as the name
// tells, so that it is reached without any network. False for what is no URL.
bool IsLocalServer(const std::string& url);

}  // namespace parley::app

#endif  // DAEMON_APP_LOCAL_SERVER_H_
