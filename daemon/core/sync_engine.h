#ifndef DAEMON_CORE_SYNC_ENGINE_H_
#define DAEMON_CORE_SYNC_ENGINE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/base/rng.h"
#include "daemon/base/time.h"
#include "daemon/core/api/event.h"
#include "daemon/core/api/step.h"
#include "daemon/core/connection/connection.h"
#include "daemon/core/erasure/erasure.h"
#include "daemon/core/fanout/fanout.h"
#include "daemon/core/outbox/outbox.h"
#include "daemon/core/rooms/rooms.h"
#include "daemon/core/sync/sync.h"
#include "daemon/core/timeline/timeline.h"
#include "daemon/storage/tables.h"

namespace parley::core {

struct EngineOptions {
  Connection::Options connection;
  Outbox::Options outbox;
};

// All the logic of the daemon, as one machine without I/O: an event goes in, a
// step comes out. The engine routes between its components, which do not know
// each other, and holds no policy itself.
//
//   Command ------> rooms, outbox, connection      (what clients ask for)
//   transport ----> connection --Ready/Lost-----> rooms, outbox, sync
//                              --Answered-------> rooms, outbox, sync
//                              --ServerEvent----> timeline, rooms, outbox, sync
//   rooms --Settled/Refused/Unsettled-----------> outbox, sync
//   outbox --Accepted/Sent/Failed/Cancelled-----> timeline, sync
//   sync --HistoryRead--------------------------> timeline, outbox
//   erasure ------> outbox, timeline, rooms, connection   (a sign-out)
//   every step ---> fanout                          (what streams are told)
//
// Single-threaded. Built from what the store says, and built anew from it when
// a commit fails: it keeps nothing durable that the store does not have.
class SyncEngine {
 public:
  // `tables` must outlive the engine. A status that is not OK: the store could
  // not be read.
  static absl::StatusOr<std::unique_ptr<SyncEngine>> Create(
      const EngineOptions& options, storage::Tables* tables, base::Rng rng);

  // A status that is not OK: the store cannot be trusted. Nothing of the step
  // may be used, and this engine is not used again.
  absl::StatusOr<Step> Handle(Event event, base::Now now);

  model::CoreStatus Status() const;
  // Calls that wait for something other than a commit. Whoever gives this
  // engine up answers them.
  std::vector<CallId> WaitingCalls() const;

 private:
  SyncEngine(const EngineOptions& options, storage::Tables* tables,
             base::Rng rng);

  absl::Status Load();
  absl::Status Route(Event* event, StepContext* context);
  absl::Status RouteCommand(Command* command, StepContext* context);
  absl::Status RouteTimer(const TimerId& timer, StepContext* context);
  absl::Status RouteConnection(StepContext* context);
  absl::Status RouteAnswer(const Answered& answered, StepContext* context);
  absl::Status RouteServerEvent(const wire::ServerEvent& event,
                                StepContext* context);
  absl::Status RouteOutbox(StepContext* context);
  // Until neither rooms nor outbox has anything to tell.
  absl::Status RouteComponents(StepContext* context);
  absl::Status RouteRooms(StepContext* context);
  absl::Status RouteErasure(StepContext* context);
  // A message of the server's, come by itself or read from the history.
  absl::Status RouteMessage(const wire::MessageReceived& received,
                            Timeline::Source source, StepContext* context);
  absl::Status RouteHistory(StepContext* context);

  storage::Tables* const tables_;
  base::Rng rng_;
  Connection connection_;
  Rooms rooms_;
  Outbox outbox_;
  Timeline timeline_;
  Sync sync_;
  Erasure erasure_;
  Fanout fanout_;
  // Of a step that failed: calls that it would have answered.
  std::vector<CallId> unanswered_;
};

}  // namespace parley::core

#endif  // DAEMON_CORE_SYNC_ENGINE_H_
