#ifndef DAEMON_RPC_TOPIC_SOURCE_H_
#define DAEMON_RPC_TOPIC_SOURCE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "daemon/model/change.h"
#include "daemon/rpc/stream_call.h"
#include "daemon/rpc/watch_cursor.h"

namespace parley::rpc {

// What a watch stream of a durable topic says: a WatchCursor's batches, in the
// words of its response message. The topics' responses have the same fields.
template <typename Response>
class TopicSource final : public StreamSource<Response> {
 public:
  // Adds what a change means to this topic, if it means something.
  using AddUpdate = std::function<void(const model::Change&, Response*)>;

  TopicSource(WatchCursor cursor, AddUpdate add_update)
      : cursor_(std::move(cursor)), add_update_(std::move(add_update)) {}

  absl::StatusOr<bool> Next(ReadRound* round, Response* response) override {
    const auto batch = cursor_.Next(round);
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) return false;
    if ((*batch)->page != nullptr) {
      for (const model::Change& change : (*batch)->page->changes) {
        if (cursor_.IsNews(change)) add_update_(change, response);
      }
    }
    response->set_resume_token((*batch)->resume_token);
    response->set_caught_up((*batch)->caught_up);
    response->set_fresh((*batch)->fresh);
    return true;
  }
  bool has_more() const override { return cursor_.has_more(); }
  bool waits_for_time() const override { return cursor_.bookmark_pending(); }
  std::string resume_token() const override { return cursor_.told_token(); }

 private:
  WatchCursor cursor_;
  const AddUpdate add_update_;
};

template <typename Response>
absl::StatusOr<std::unique_ptr<StreamSource<Response>>> WatchTopic(
    storage::ChangeFilter filter, const std::string& resume_token,
    absl::Duration bookmark_after,
    typename TopicSource<Response>::AddUpdate add_update) {
  auto cursor =
      WatchCursor::Create(std::move(filter), resume_token, bookmark_after);
  if (!cursor.ok()) return cursor.status();
  return std::unique_ptr<StreamSource<Response>>(
      std::make_unique<TopicSource<Response>>(*std::move(cursor),
                                              std::move(add_update)));
}

}  // namespace parley::rpc

#endif  // DAEMON_RPC_TOPIC_SOURCE_H_
