#ifndef DAEMON_CORE_CONNECTION_CONNECTION_H_
#define DAEMON_CORE_CONNECTION_CONNECTION_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/base/secret.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/request_sender.h"
#include "daemon/core/api/step.h"
#include "daemon/core/connection/quality_monitor.h"
#include "daemon/model/connection.h"
#include "daemon/model/limits.h"
#include "daemon/socketio/reconnect_policy.h"
#include "daemon/socketio/session.h"
#include "daemon/storage/tables.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// What the connection tells the engine while it handles an event.
struct BecameReady {};
struct BecameLost {
  std::string reason;  // for a person
  // The server ended it, rather than the network or this device.
  bool closed_by_server = false;
};
struct Answered {
  RequestOwner owner;
  RequestId request;
  wire::Answer answer;
};
struct ServerSaid {
  wire::ServerEvent event;
};
using ConnectionOutput =
    std::variant<BecameReady, BecameLost, Answered, ServerSaid>;

// The device's one connection to the server, for ever being made again.
//
//                     Connect, Started
//        STOPPED ---------------------------.
//           ^                               v
//           |                        .-> FETCHING ---- no usable token ----.
//           |                        |      | token                        |
//   Disconnect, in                   |      v                              v
//   any state          retry timer,  |   OPENING -- failed --.     CREDENTIALS_
//                      Connect       |      | opened         |      REQUIRED
//                                    |      v                |         |  ^
//                                    |   HANDSHAKING --------+---------+--'
//                                    |      | ready event    |  refused:  |
//                                    |      v                |  auth      |
//                                    |   READY ---- lost ----+            |
//                                    |                       v            |
//                                    '------------------- WAITING         |
//                                    '---- slow retry, other token -------'
//
// FETCHING and OPENING are CONNECTING to clients, HANDSHAKING is
// AUTHENTICATING, WAITING without a network is OFFLINE. With several servers
// each is tried in turn, and only then it waits; after a loss the first is
// preferred again. There is one attempt at a time, named by its ConnectionId;
// events of any other are of a dead socket and change nothing. Nothing leaves
// before the ready event but CONNECT and heartbeats. A refused token is not
// offered again: the credentials are fetched anew, and only one that was never
// refused is tried.
//
// Single-threaded, deterministic.
class Connection : public RequestSender {
 public:
  struct Options {
    // In the order of preference; at least one.
    std::vector<std::string> server_urls;
    // No network is needed to reach it: it runs on this device.
    bool server_is_local = false;
    wire::DeviceInfo device;
    model::UserId configured_user;  // of last resort; may be empty
    socketio::ReconnectPolicy::Options reconnect;
    // Counts the engines of this process, so that the connections and fetches
    // of one are never taken for another's.
    uint32_t incarnation = 1;
    absl::Duration connect_timeout = model::kConnectTimeout;
    // Between two looks for another token: after one was refused, and when
    // the one in use expires soon.
    absl::Duration credentials_retry = absl::Seconds(30);
  };

  explicit Connection(const Options& options);

  // What the store remembers: whose it is, what the server can do, whether the
  // user wants to be offline.
  absl::Status Load(const storage::Tables& tables);

  // RequestSender.
  bool ready() const override {
    // What is sent shortly before a replacement would be in doubt after it.
    return state_ == State::kReady && refresh_ != Refresh::kReplacing;
  }
  const model::ServerCapabilities& capabilities() const override {
    return capabilities_;
  }
  const wire::Dialect& dialect() const override;
  const model::UserId& user() const override { return user_; }
  absl::Status AcceptsWork() const override;
  RequestId Send(RequestOwner owner, const wire::Request& request,
                 Release release, StepContext* context) override;

  // Events.
  void OnStarted(StepContext* context);
  void OnConnect(CallId call, StepContext* context);
  void OnDisconnect(CallId call, StepContext* context);
  void OnSetCredentials(CallId call, const base::Secret& token,
                        StepContext* context);
  // The engine answers, once all that goes with it is gone.
  void OnSignOut(StepContext* context);
  // Its queue, rooms and messages are gone: another account may come.
  void ForgetAccount(StepContext* context);
  void OnCredentials(const CredentialsFetched& event, StepContext* context);
  void OnOpened(const TransportOpened& event, StepContext* context);
  void OnText(const TextReceived& event, StepContext* context);
  void OnBinary(const BinaryReceived& event, StepContext* context);
  void OnClosed(const TransportClosed& event, StepContext* context);
  void OnNetworkChanged(const NetworkChanged& event, StepContext* context);
  void OnResumed(StepContext* context);
  void OnTimer(const TimerId& timer, StepContext* context);
  // Clients want their queue out: no longer waits for the next attempt.
  void RetryNow(StepContext* context);

  std::vector<ConnectionOutput> TakeOutputs();

  model::ConnectionStatus status() const;
  // Requests whose answer has not come.
  size_t unanswered() const { return unanswered_.size(); }

 private:
  enum class State {
    kStopped,
    kFetching,
    kOpening,
    kHandshaking,
    kReady,
    kWaiting,
    kCredentialsRequired,
  };

  // How a newer token gets to the server while the connection lives:
  //
  //   NONE --- expires soon ---> FETCHING --- another token ---> OFFERED
  //    ^ ^                          |                             |   |
  //    | '-- the same, or none -----'                             |   |
  //    +------------- accepted, or refused as a token ------------'   |
  //    |                                         not known, or no answer
  //    '-- reconnected with it <-- REPLACING <------------------------'
  //                          (until nothing is on its way)
  enum class Refresh { kNone, kFetching, kOffered, kReplacing };

  // A token that is not to be offered again, and why.
  struct Refusal {
    base::Secret token;
    std::string code;
    std::string words;
  };

  // connection.cc: attempts and states.
  model::ConnectionState PublicState() const;
  const std::string& server_url() const {
    return options_.server_urls[server_index_];
  }
  // An outage that lasts is not told again with each attempt.
  bool Quiet() const;
  void OnConnectTimeout(StepContext* context);
  void Stop(const std::string& cause, StepContext* context);
  void SetOnPurpose(model::OnPurpose wish, StepContext* context);
  // At once, or at `earliest`.
  void AttemptAt(base::MonotonicTime earliest, const std::string& cause,
                 StepContext* context);
  // Something has changed for the better: no longer waits, or not for long.
  void HurryUp(base::MonotonicTime not_before, const std::string& cause,
               StepContext* context);
  // Whether this connection is dead is found out soon.
  void Doubt(const std::string& cause, StepContext* context);
  void Open(const base::Secret& token, const std::string& cause,
            StepContext* context);
  void SetState(State state, std::string cause, StepContext* context);
  void SetError(std::string code, std::string message, StepContext* context);
  void Attempt(const std::string& cause, StepContext* context);
  // Ends the attempt or connection, if there is one, and tells the engine.
  void Drop(const std::string& reason, bool closed_by_server,
            StepContext* context);
  void WaitAndRetry(const std::string& code, const std::string& reason,
                    const socketio::ReconnectPolicy::Failure& failure,
                    StepContext* context);
  void Fail(const std::string& code, const std::string& reason,
            bool closed_by_server, StepContext* context);

  // connection_session.cc: what comes over the socket.
  void HandleSessionOutputs(StepContext* context);
  void HandleSessionOutput(const socketio::Output& output,
                           StepContext* context);
  void HandleServerEvent(const socketio::EventReceived& event,
                         StepContext* context);
  void HandleRefusal(const socketio::Refused& refusal, StepContext* context);
  void BecomeReady(const wire::Ready& ready, StepContext* context);
  void HandleAck(const socketio::AckReceived& ack, StepContext* context);
  void Ping(StepContext* context);
  void ArmPingTimer(StepContext* context);

  // connection_credentials.cc: whose token it is, and how it is renewed.
  bool IdentityAllowed(const model::UserId& user) const;
  absl::Status Mismatch(const std::string& whose,
                        const model::UserId& user) const;
  // Remembers that the server refuses `token`.
  void Refuse(const base::Secret& token, const std::string& code,
              const std::string& words);
  // Nothing: the server has not refused it.
  const Refusal* RefusalOf(const base::Secret& token) const;
  // The server refuses the token of this attempt.
  void Reject(const std::string& code, const std::string& words,
              StepContext* context);
  void RequireCredentials(const std::string& code, const std::string& message,
                          StepContext* context);
  void LookForCredentials(StepContext* context);
  void FetchToken(StepContext* context);
  void Keep(const base::Secret& token, StepContext* context);
  void ArmRefresh(StepContext* context);
  void OnRefreshTimer(StepContext* context);
  void OnRefreshFetched(const absl::StatusOr<base::Secret>& token,
                        StepContext* context);
  void Offer(const base::Secret& token, StepContext* context);
  void OnOfferAnswered(const wire::Answer& answer, StepContext* context);
  // This server takes a token with a new connection only.
  void BeginReplacing(StepContext* context);
  void Replace(StepContext* context);
  void ReplaceWhenIdle(StepContext* context);
  void EndRefresh(absl::Duration again_in, StepContext* context);

  const Options options_;
  State state_ = State::kStopped;
  socketio::ReconnectPolicy reconnect_;

  ConnectionId connection_;  // of the current attempt or connection
  ConnectionId last_connection_;
  FetchId fetch_;
  bool fetching_ = false;         // fetch_ is not answered
  bool fetch_again_ = false;      // if it fails: the network changed meanwhile
  base::Secret token_;            // of the current attempt
  base::Secret kept_token_;       // the last that a client gave, if any
  base::Secret kept_before_;      // the one before: the server may refuse it
  std::deque<Refusal> refusals_;  // at most kMaxRefusals, the latest first
  std::optional<socketio::Session> session_;
  std::vector<socketio::Output> session_outputs_;
  uint64_t announced_max_payload_ = 0;      // by this connection's open packet
  absl::Duration announced_ping_interval_;  // by the same
  base::MonotonicTime ping_timer_at_;
  QualityMonitor quality_;
  bool in_doubt_ = false;  // kProbeTimeout is set, or kConnectTimeout shortened
  Refresh refresh_ = Refresh::kNone;
  base::Secret next_token_;      // while kOffered and kReplacing
  RequestId offer_;              // while kOffered
  std::string refresh_problem_;  // the last that was told
  absl::Duration server_ahead_;  // the server's clock, of this device's
  std::map<RequestId, RequestOwner> unanswered_;

  storage::StoreBinding binding_;
  model::UserId user_;
  model::ServerCapabilities capabilities_;
  std::vector<ConnectionOutput> outputs_;
  model::ConnectionStatus status_;
  size_t server_index_ = 0;
  bool was_ready_ = false;  // since the last wait
  model::OnPurpose on_purpose_ = model::OnPurpose::kOnline;
  bool network_known_ = false;
  base::MonotonicTime attempted_at_;
  base::MonotonicTime connect_deadline_;
  // No attempt by itself before: the server's wish, or its refusal.
  base::MonotonicTime not_before_;
  // Nor one that a person asks for: the server's wish.
  base::MonotonicTime asked_until_;
  uint64_t ignored_events_ = 0;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_CONNECTION_CONNECTION_H_
