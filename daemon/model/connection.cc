#include "daemon/model/connection.h"

namespace parley::model {

absl::string_view ConnectionStateName(ConnectionState state) {
  switch (state) {
    case ConnectionState::kOffline:
      return "OFFLINE";
    case ConnectionState::kConnecting:
      return "CONNECTING";
    case ConnectionState::kAuthenticating:
      return "AUTHENTICATING";
    case ConnectionState::kCatchingUp:
      return "CATCHING_UP";
    case ConnectionState::kReady:
      return "READY";
    case ConnectionState::kWaiting:
      return "WAITING";
    case ConnectionState::kCredentialsRequired:
      return "CREDENTIALS_REQUIRED";
    case ConnectionState::kStopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

}  // namespace parley::model
