#ifndef DAEMON_RPC_LIVE_SOURCE_H_
#define DAEMON_RPC_LIVE_SOURCE_H_

#include "absl/status/statusor.h"
#include "daemon/rpc/stream_call.h"

namespace parley::rpc {

// A stream of live state: how things stand, and then each change of it, the
// newest one whenever the client can take one.
//
//   NEW --the first state--> TOLD --caught_up--> LIVE --state, state ...
//
// What changes while an answer is on its way to the client is told after it,
// whichever answer that was.
template <typename Response>
class LiveSource : public StreamSource<Response> {
 public:
  absl::StatusOr<bool> Next(ReadRound* round, Response* response) final {
    if (phase_ == Phase::kTold) {
      phase_ = Phase::kLive;
      response->set_caught_up(true);
      return true;
    }
    if (!HasNews()) return false;
    if (phase_ == Phase::kNew) phase_ = Phase::kTold;
    Tell(round, response);
    return true;
  }
  bool has_more() const final { return phase_ == Phase::kTold || HasNews(); }

 private:
  enum class Phase { kNew, kTold, kLive };

  // There is a state, and Tell has not told it.
  virtual bool HasNews() const = 0;
  virtual void Tell(ReadRound* round, Response* response) = 0;

  Phase phase_ = Phase::kNew;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_LIVE_SOURCE_H_
