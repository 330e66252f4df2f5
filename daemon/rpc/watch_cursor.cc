#include "daemon/rpc/watch_cursor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/model/errors.h"
#include "daemon/model/limits.h"

namespace parley::rpc {

absl::StatusOr<const storage::StoreReader*> ReadRound::reader() {
  if (reader_ == nullptr) {
    auto snapshot = store_->NewSnapshot();
    if (!snapshot.ok()) return snapshot.status();
    reader_ = *std::move(snapshot);
  }
  return reader_.get();
}

absl::StatusOr<storage::ResumePoint> ReadRound::Resolve(
    const std::optional<model::ResumeToken>& token) {
  const TokenKey key = token.has_value()
                           ? TokenKey(token->store_id, token->epoch, token->seq)
                           : TokenKey();
  const auto it = points_.find(key);
  if (it != points_.end()) return it->second;
  const auto reader = this->reader();
  if (!reader.ok()) return reader.status();
  const auto point = storage::ResolveResumeToken(**reader, token);
  if (!point.ok()) return point.status();
  return points_[key] = *point;
}

absl::StatusOr<model::ResumeToken> ReadRound::TokenAt(model::ChangeSeq seq) {
  if (!token_.has_value()) {
    const auto reader = this->reader();
    if (!reader.ok()) return reader.status();
    auto token = storage::MakeResumeToken(**reader, seq);
    if (!token.ok()) return token.status();
    token_ = *std::move(token);
  }
  model::ResumeToken token = *token_;
  token.seq = seq;
  return token;
}

absl::StatusOr<model::ChangeSeq> ReadRound::LastChange() {
  const auto reader = this->reader();
  if (!reader.ok()) return reader.status();
  const auto info = storage::GetStoreInfo(**reader);
  if (!info.ok()) return info.status();
  return info->last_change;
}

absl::StatusOr<std::shared_ptr<const storage::ChangePage>>
ReadRound::ReadChanges(model::ChangeSeq after,
                       const storage::ChangeFilter& filter) {
  const PageKey key(after, filter.kinds, filter.room);
  const auto it = pages_.find(key);
  if (it != pages_.end()) return it->second;
  const auto reader = this->reader();
  if (!reader.ok()) return reader.status();
  auto page =
      storage::ReadChanges(**reader, after, filter, model::kMaxChangePageBytes);
  if (!page.ok()) return page.status();
  return pages_[key] =
             std::make_shared<const storage::ChangePage>(*std::move(page));
}

absl::StatusOr<WatchCursor> WatchCursor::Create(storage::ChangeFilter filter,
                                                const std::string& token,
                                                absl::Duration bookmark_after) {
  std::optional<model::ResumeToken> place;
  if (!token.empty()) {
    auto decoded = storage::DecodeResumeToken(token);
    if (!decoded.ok()) {
      return model::InvalidField(
          "resume_token",
          "never was a token of this method; leave it out for a snapshot");
    }
    place = *std::move(decoded);
  }
  return WatchCursor(std::move(filter), token, std::move(place),
                     bookmark_after);
}

WatchCursor::Batch WatchCursor::Tell(
    std::shared_ptr<const storage::ChangePage> page, bool caught_up) {
  told_token_ = storage::EncodeResumeToken(*place_);
  silent_since_.reset();
  return Batch{std::move(page), told_token_, caught_up,
               std::exchange(fresh_, false)};
}

bool WatchCursor::IsNews(const model::Change& change) const {
  return !std::holds_alternative<model::Tombstone>(change.object) ||
         snapshot_began_ < change.seq;
}

absl::StatusOr<std::optional<WatchCursor::Batch>> WatchCursor::Next(
    ReadRound* round) {
  // Judged anew each time: what a slow watcher has missed may be gone.
  auto point = round->Resolve(place_);
  if (!point.ok()) return point.status();
  if (point->fresh) {
    const auto last = round->LastChange();
    if (!last.ok()) return last.status();
    snapshot_began_ = *last;
    fresh_ = true;
    live_ = false;
  }
  const auto page = round->ReadChanges(point->after, filter_);
  if (!page.ok()) return page.status();
  const bool moved = point->after < (*page)->next;
  auto place = round->TokenAt((*page)->next);
  if (!place.ok()) return place.status();
  place_ = *std::move(place);
  has_more_ = !(*page)->at_end || !live_;
  const auto& changes = (*page)->changes;
  if (std::any_of(changes.begin(), changes.end(),
                  [this](const auto& change) { return IsNews(change); })) {
    return Tell(*page, false);
  }
  // Others are served before the next page is looked through.
  if (!(*page)->at_end) return Tell(nullptr, false);

  has_more_ = false;
  if (!live_) {
    live_ = true;
    return Tell(nullptr, true);
  }
  if (moved && !silent_since_.has_value()) silent_since_ = round->now();
  if (silent_since_.has_value() &&
      round->now() - *silent_since_ >= bookmark_after_) {
    return Tell(nullptr, false);
  }
  return std::nullopt;
}

}  // namespace parley::rpc
