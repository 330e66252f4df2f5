#ifndef DAEMON_CORE_TIMELINE_TIMELINE_H_
#define DAEMON_CORE_TIMELINE_TIMELINE_H_

#include "absl/status/status.h"
#include "daemon/core/api/step.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/ids.h"
#include "daemon/model/message.h"
#include "daemon/model/outbox.h"
#include "daemon/wire/dialect.h"

namespace parley::core {

// The messages of rooms as this device keeps them: what was received, and the
// local echo of what is being sent, with its delivery. The only writer of
// message and delivery rows. It has no state of its own: the store has it.
// Single-threaded.
class Timeline {
 public:
  // The entry's message appears after everything that is confirmed. Again for
  // an entry that was retried: it goes to the end.
  absl::Status OnEntryAccepted(const model::OutboxEntry& entry,
                               const model::UserId& user, StepContext* context);
  absl::Status OnEntryChanged(const model::OutboxEntry& entry,
                              StepContext* context);
  // The message gets the server's name and place.
  absl::Status OnEntrySent(const model::OutboxEntry& entry,
                           const wire::SendResult& result,
                           const model::UserId& user,
                           const model::ServerCapabilities& server,
                           StepContext* context);
  absl::Status OnEntryCancelled(const model::OutboxEntry& entry,
                                const model::UserId& user,
                                StepContext* context);

  enum class Source { kLive, kHistory };
  // From the server. The same message again changes nothing. One of the history
  // that is older than what is kept of its room is not kept.
  absl::Status OnReceived(model::Message message, Source source,
                          const model::ServerCapabilities& server,
                          StepContext* context);

  // Its author has taken it back: it is not shown any more.
  absl::Status OnDeleted(const model::Message& message, StepContext* context);

  // Forgets at most `limit` messages that are not in the outbox, here only,
  // and returns how many.
  absl::StatusOr<size_t> Wipe(size_t limit, StepContext* context);

 private:
  // The name of a received message to which the server gives none.
  absl::StatusOr<model::MessageId> NameLocally(
      const model::Message& message, const std::optional<model::Message>& known,
      StepContext* context) const;

  absl::StatusOr<std::optional<model::Message>> FindOwn(
      const model::OutboxEntry& entry, const model::UserId& user,
      StepContext* context) const;
  absl::Status SetDelivery(const model::OutboxEntry& entry,
                           model::DeliveryState state,
                           const model::MessageId& message_id,
                           StepContext* context);
};

}  // namespace parley::core

#endif  // DAEMON_CORE_TIMELINE_TIMELINE_H_
