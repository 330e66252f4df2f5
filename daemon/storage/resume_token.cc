#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daemon/storage/change_feed.h"
#include "daemon/storage/crc32c.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/queries.h"
#include "daemon/storage/read_record.h"

// Resume tokens: a position in the feed, and the history it is part of.
//
// Each opening of a store starts an epoch (open.h). What a crash took away was
// at the end of an epoch, and the next one says where it starts: a position of
// an older epoch up to there is common history, one behind it was lost, and its
// number may since have been given to another change.
namespace parley::storage {
namespace {

// As text: base64 of
//   1 byte    kTokenFormat
//   8 bytes   epoch, little-endian, then 8 bytes sequence
//   n bytes   store id
//   4 bytes   CRC-32C of all before, little-endian
constexpr char kTokenFormat = 1;
constexpr size_t kStoreIdAt = 1 + 8 + 8;
constexpr size_t kChecksumBytes = 4;

void AppendLittleEndian(uint64_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) {
    out->push_back(static_cast<char>(number >> (8 * i)));
  }
}

uint64_t ReadLittleEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  }
  return number;
}

absl::StatusOr<std::string> ReadStoreId(const StoreReader& reader) {
  return ReadExisting(reader, MetaKey(MetaField::kStoreId), DecodeStoreId);
}

// Whether `token` names a position of the history that ends at `last`.
bool IsOfThisHistory(const model::ResumeToken& token,
                     const std::vector<FeedEpoch>& epochs,
                     model::ChangeSeq last) {
  const auto epoch = std::find_if(
      epochs.begin(), epochs.end(),
      [&token](const FeedEpoch& e) { return e.epoch == token.epoch; });
  if (epoch == epochs.end()) return false;
  const auto next = std::next(epoch);
  return token.seq <= (next != epochs.end() ? next->start : last);
}

}  // namespace

absl::StatusOr<ResumePoint> ResolveResumeToken(
    const StoreReader& reader, const std::optional<model::ResumeToken>& token) {
  const ResumePoint beginning{model::ChangeSeq(), /*fresh=*/true};
  if (!token.has_value()) return beginning;
  const auto store_id = ReadStoreId(reader);
  if (!store_id.ok()) return store_id.status();
  const auto epochs = ReadFeedEpochs(reader);
  if (!epochs.ok()) return epochs.status();
  const auto last = ReadLastChange(reader);
  if (!last.ok()) return last.status();
  const auto state = ReadFeedState(reader);
  if (!state.ok()) return state.status();
  if (token->store_id != *store_id ||
      !IsOfThisHistory(*token, *epochs, *last) || token->seq < state->floor) {
    return beginning;
  }
  return ResumePoint{token->seq, /*fresh=*/false};
}

absl::StatusOr<model::ResumeToken> MakeResumeToken(const StoreReader& reader,
                                                   model::ChangeSeq seq) {
  auto store_id = ReadStoreId(reader);
  if (!store_id.ok()) return store_id.status();
  const auto epochs = ReadFeedEpochs(reader);
  if (!epochs.ok()) return epochs.status();
  return model::ResumeToken{*std::move(store_id), epochs->back().epoch, seq};
}

std::string EncodeResumeToken(const model::ResumeToken& token) {
  std::string bytes(1, kTokenFormat);
  AppendLittleEndian(token.epoch, 8, &bytes);
  AppendLittleEndian(token.seq.value(), 8, &bytes);
  bytes.append(token.store_id);
  AppendLittleEndian(Crc32c(bytes), kChecksumBytes, &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

absl::StatusOr<model::ResumeToken> DecodeResumeToken(absl::string_view text) {
  const absl::Status invalid = absl::InvalidArgumentError(
      "the resume token is not one that this program gives; start without one");
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes) ||
      absl::WebSafeBase64Escape(bytes) != text ||
      bytes.size() < kStoreIdAt + kChecksumBytes ||
      bytes.front() != kTokenFormat) {
    return invalid;
  }
  absl::string_view rest = bytes;
  const absl::string_view checksum = rest.substr(rest.size() - kChecksumBytes);
  rest.remove_suffix(kChecksumBytes);
  if (Crc32c(rest) != ReadLittleEndian(checksum)) return invalid;
  model::ResumeToken token;
  token.epoch = ReadLittleEndian(rest.substr(1, 8));
  token.seq = model::ChangeSeq(ReadLittleEndian(rest.substr(9, 8)));
  token.store_id = std::string(rest.substr(kStoreIdAt));
  return token;
}

}  // namespace parley::storage
