#ifndef DAEMON_RPC_WATCH_CURSOR_H_
#define DAEMON_RPC_WATCH_CURSOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daemon/base/time.h"
#include "daemon/model/change.h"
#include "daemon/model/ids.h"
#include "daemon/rpc/store_access.h"
#include "daemon/storage/queries.h"

namespace parley::rpc {

// Reads of the change feed within one turn of the completion-queue thread. They
// share one snapshot, and watchers that stand at the same place share what is
// read there: a hundred of them cost one read.
class ReadRound {
 public:
  ReadRound(StoreAccess* store, base::MonotonicTime now)
      : store_(store), now_(now) {}

  base::MonotonicTime now() const { return now_; }
  absl::StatusOr<const storage::StoreReader*> reader();

  // As in storage/queries.h.
  absl::StatusOr<storage::ResumePoint> Resolve(
      const std::optional<model::ResumeToken>& token);
  absl::StatusOr<model::ResumeToken> TokenAt(model::ChangeSeq seq);
  absl::StatusOr<model::ChangeSeq> LastChange();
  absl::StatusOr<std::shared_ptr<const storage::ChangePage>> ReadChanges(
      model::ChangeSeq after, const storage::ChangeFilter& filter);

 private:
  using TokenKey = std::tuple<std::string, uint64_t, model::ChangeSeq>;
  using PageKey = std::tuple<model::ChangeSeq, model::ObjectKindSet,
                             std::optional<model::RoomId>>;

  StoreAccess* const store_;
  const base::MonotonicTime now_;
  std::unique_ptr<storage::StoreReader> reader_;
  std::map<TokenKey, storage::ResumePoint> points_;
  std::optional<model::ResumeToken> token_;  // of this history, for TokenAt
  std::map<PageKey, std::shared_ptr<const storage::ChangePage>> pages_;
};

// A watcher's place in the change feed, and what it is to be told next. It
// keeps no changes: whoever is slow reads them later, in their newest state.
//
//   CATCHING UP --page, page ... nothing left: caught_up--> LIVE --page, page
//        ^                                                   |
//        '---- its place is lost (tombstones dropped, or ----'
//              a history undone): fresh, from the start
//
// A snapshot is what follows from the start, so that there is one path for all;
// only what was gone when it began is left out. Something that goes while it is
// read is told, because it may have been told before.
//
// Pages hold kMaxChangePageBytes. A watcher whose filter lets nothing through
// gets a bookmark, a batch with a token alone, at the end of each page, and
// after a while when the feed grows: what it resumes from does not grow old.
class WatchCursor {
 public:
  struct Batch {
    std::shared_ptr<const storage::ChangePage> page;  // may be null
    std::string resume_token;
    bool caught_up = false;
    bool fresh = false;
  };

  // INVALID_ARGUMENT when `token` is not empty and never was one.
  static absl::StatusOr<WatchCursor> Create(storage::ChangeFilter filter,
                                            const std::string& token,
                                            absl::Duration bookmark_after);

  // What follows, if something does: those changes of the page that IsNews. An
  // error means that the store cannot be read.
  absl::StatusOr<std::optional<Batch>> Next(ReadRound* round);

  bool IsNews(const model::Change& change) const;

  // Next has more to say without the feed having grown.
  bool has_more() const { return has_more_; }
  // The feed has moved on without the watcher being told.
  bool bookmark_pending() const { return silent_since_.has_value(); }
  // The token of the last batch; at first, the one it began with.
  const std::string& told_token() const { return told_token_; }

 private:
  WatchCursor(storage::ChangeFilter filter, std::string text,
              std::optional<model::ResumeToken> token,
              absl::Duration bookmark_after)
      : filter_(std::move(filter)),
        bookmark_after_(bookmark_after),
        place_(std::move(token)),
        told_token_(std::move(text)) {}

  Batch Tell(std::shared_ptr<const storage::ChangePage> page, bool caught_up);

  storage::ChangeFilter filter_;
  absl::Duration bookmark_after_;
  std::optional<model::ResumeToken> place_;
  std::string told_token_;
  // The last change when the snapshot began, if there was one.
  model::ChangeSeq snapshot_began_;
  bool live_ = false;
  bool fresh_ = false;  // to be told with the next batch
  bool has_more_ = true;
  std::optional<base::MonotonicTime> silent_since_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_WATCH_CURSOR_H_
