#include "daemon/storage/change_feed.h"

#include <string>
#include <utility>

#include "daemon/storage/keys.h"
#include "daemon/storage/row_cursor.h"

namespace parley::storage {

absl::StatusOr<ChangeFeed> ChangeFeed::Open(StagedStore* staged,
                                            uint64_t max_tombstones) {
  const absl::StatusOr<model::ChangeSeq> last = ReadLastChange(*staged);
  if (!last.ok()) return last.status();
  const absl::StatusOr<FeedState> state = ReadFeedState(*staged);
  if (!state.ok()) return state.status();
  return ChangeFeed(staged, max_tombstones, *last, *state);
}

model::ChangeSeq ChangeFeed::Record(model::ChangeSeq previous,
                                    absl::string_view key) {
  if (previous != model::ChangeSeq()) staged_->Delete(FeedKey(previous));
  last_ = last_.Next();
  const std::string row = FeedKey(last_);
  staged_->Put(row, EncodeFeedRow(row, std::string(key)));
  return last_;
}

absl::Status ChangeFeed::RecordRemoval(model::ChangeSeq previous,
                                       const model::Tombstone& tombstone) {
  if (previous != model::ChangeSeq()) staged_->Delete(FeedKey(previous));
  last_ = last_.Next();
  const std::string row = FeedKey(last_);
  staged_->Put(row, EncodeFeedRow(row, tombstone));
  const std::string entry = TombstoneKey(last_);
  staged_->Put(entry, SealRecord(entry, {}));
  ++state_.tombstones;
  if (absl::Status status = ForgetOldTombstones(); !status.ok()) return status;
  const std::string state = MetaKey(MetaField::kFeedState);
  staged_->Put(state, EncodeFeedState(state, state_));
  return absl::OkStatus();
}

absl::Status ChangeFeed::ForgetOldTombstones() {
  if (state_.tombstones <= max_tombstones_) return absl::OkStatus();
  const uint64_t excess = state_.tombstones - max_tombstones_;
  // Not from the table's start: that is full of what was deleted before.
  RowCursor oldest(
      staged_,
      {TombstoneKey(state_.floor.Next()), TableRange(Table::kTombstones).end},
      ScanOrder::kAscending, excess);
  for (uint64_t i = 0; i < excess; ++i) {
    absl::StatusOr<Row*> row = oldest.Next();
    if (!row.ok()) return row.status();
    if (*row == nullptr) {
      return DamagedRecord(MetaKey(MetaField::kFeedState),
                           "it counts more tombstones than there are");
    }
    const std::string key = std::move((*row)->key);
    const std::optional<ParsedKey> parsed = ParseKey(key);
    if (!parsed.has_value()) return DamagedRecord(key, "it is no key");
    state_.floor = model::ChangeSeq(parsed->number);
    staged_->Delete(key);
    staged_->Delete(FeedKey(state_.floor));
    --state_.tombstones;
  }
  return absl::OkStatus();
}

absl::StatusOr<model::ChangeSeq> ReadLastChange(const StoreReader& reader) {
  const KeyRange feed = TableRange(Table::kFeed);
  const auto rows =
      reader.Scan(feed.begin, feed.end, 1, ScanOrder::kDescending);
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return model::ChangeSeq();
  const std::optional<ParsedKey> parsed = ParseKey(rows->front().key);
  if (!parsed.has_value()) {
    return DamagedRecord(rows->front().key, "it is no key");
  }
  return model::ChangeSeq(parsed->number);
}

absl::StatusOr<FeedState> ReadFeedState(const StoreReader& reader) {
  const std::string key = MetaKey(MetaField::kFeedState);
  const auto value = reader.Get(key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return FeedState();
  return DecodeFeedState(key, **value);
}

absl::StatusOr<std::vector<FeedEpoch>> ReadFeedEpochs(
    const StoreReader& reader) {
  const std::string key = MetaKey(MetaField::kFeedEpochs);
  const auto value = reader.Get(key);
  if (!value.ok()) return value.status();
  if (!value->has_value()) return DamagedRecord(key, "it is missing");
  return DecodeFeedEpochs(key, **value);
}

}  // namespace parley::storage
