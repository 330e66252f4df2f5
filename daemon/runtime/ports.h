#ifndef DAEMON_RUNTIME_PORTS_H_
#define DAEMON_RUNTIME_PORTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "daemon/base/secret.h"
#include "daemon/core/api/effect.h"
#include "daemon/core/api/event.h"
#include "daemon/model/connection.h"
#include "daemon/model/ids.h"

// The seams between the core thread and everything around it.
namespace parley::runtime {

// The way into the core. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // False, and nothing posted, when the mailbox is full: the caller refuses its
  // own client. Never blocks.
  virtual bool TryPost(core::Event event) = 0;

  // Blocks while the mailbox is full: for the transport, which thereby stops
  // reading, so that the server feels it. Never called on the core thread.
  // Returns at once, posting nothing, once the core is stopping.
  virtual void Post(core::Event event) = 0;
};

// The network. Called on the core thread; never blocks and never calls back:
// what happens comes as events, on the transport's thread.
class TransportPort {
 public:
  virtual ~TransportPort() = default;
  virtual void Open(core::ConnectionId connection,
                    const std::string& server_url) = 0;
  // Frames of one connection leave in order. Ignored for a connection that is
  // gone.
  virtual void Send(core::ConnectionId connection, std::string text) = 0;
  virtual void Close(core::ConnectionId connection) = 0;
};

// Tokens. Called on the core thread; answers with CredentialsFetched.
class CredentialsPort {
 public:
  virtual ~CredentialsPort() = default;
  virtual void Fetch(core::FetchId fetch) = 0;
  // What every Fetch from now on is answered with; empty: as configured. Kept
  // in memory only.
  virtual void Keep(base::Secret token) = 0;
};

// The clients. Called on the core thread; never blocks.
class ClientPort {
 public:
  virtual ~ClientPort() = default;
  virtual void OnReply(core::CallId call,
                       absl::StatusOr<core::ReplyBody> result) = 0;
  // Everything up to `last` can be read from the store.
  virtual void OnFeedAdvanced(model::ChangeSeq last) = 0;
  virtual void OnStatus(const model::CoreStatus& status) = 0;
};

}  // namespace parley::runtime

#endif  // DAEMON_RUNTIME_PORTS_H_
