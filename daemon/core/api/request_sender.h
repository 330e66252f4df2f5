#ifndef DAEMON_CORE_API_REQUEST_SENDER_H_
#define DAEMON_CORE_API_REQUEST_SENDER_H_

#include "absl/status/status.h"
#include "daemon/base/strong_id.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/step.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/ids.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// Names a request on the current connection until it is answered.
using RequestId = base::StrongInt<struct RequestIdTag>;

// Which component an answer goes back to.
enum class RequestOwner { kRooms, kOutbox, kSync };

// How the components that talk to the server reach it. Implemented by
// Connection; the only thing of it that they know.
class RequestSender {
 public:
  virtual ~RequestSender() = default;

  // The server listens: Send may be called.
  virtual bool ready() const = 0;

  // Of the server now, or as remembered of the last time.
  virtual const model::ServerCapabilities& capabilities() const = 0;
  virtual const wire::Dialect& dialect() const = 0;

  // Who this device is to the server; empty until it is known.
  virtual const model::UserId& user() const = 0;

  // OK, or why nothing new can be accepted for this account: it signed out, or
  // the credentials are another one's.
  virtual absl::Status AcceptsWork() const = 0;

  // Sends a request. Requests of one owner leave in the order of their calls,
  // provided that they all have the same release. The answer comes back to
  // `owner` under the returned id, at most once, and never after the
  // connection was lost.
  virtual RequestId Send(RequestOwner owner, const wire::Request& request,
                         Release release, StepContext* context) = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_API_REQUEST_SENDER_H_
