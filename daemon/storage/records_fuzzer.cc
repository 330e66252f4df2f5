#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "daemon/base/check.h"
#include "daemon/storage/keys.h"
#include "daemon/storage/records.h"

// Any key and any value: each decoder gives an object, which can be stored and
// read again, or DATA_LOSS. The first byte says how long the key is; the rest
// is once taken for a value and once for the body of one, so that the checksum
// does not keep the fuzzer out.
namespace parley::storage {
namespace {

template <typename T, typename Encode>
void Check(absl::string_view key, absl::string_view value,
           absl::StatusOr<T> (*decode)(absl::string_view, absl::string_view),
           Encode encode) {
  const absl::StatusOr<T> object = decode(key, value);
  if (!object.ok()) {
    PARLEY_CHECK(object.status().code() == absl::StatusCode::kDataLoss);
    PARLEY_CHECK(!object.status().message().empty());
    return;
  }
  const std::string again = encode(key, *object);
  const absl::StatusOr<T> read = decode(key, again);
  PARLEY_CHECK(read.ok());
  PARLEY_CHECK(encode(key, *read) == again);
}

void CheckAll(absl::string_view key, absl::string_view value) {
  Check(key, value, DecodeRoom, EncodeRoom);
  Check(key, value, DecodeOutboxRoom, EncodeOutboxRoom);
  Check(key, value, DecodeOutboxEntry, EncodeOutboxEntry);
  Check(key, value, DecodeSent, EncodeSent);
  Check(key, value, DecodeMessage, EncodeMessage);
  Check(key, value, DecodeDelivery, EncodeDelivery);
  Check(key, value, DecodeRoomMessages, EncodeRoomMessages);
  Check(key, value, DecodeSyncCursor, EncodeSyncCursor);
  Check(key, value, DecodeFeedRow, EncodeFeedRow);
  Check(key, value, DecodeFeedEpochs, EncodeFeedEpochs);
  Check(key, value, DecodeFeedState, EncodeFeedState);
  Check(key, value, DecodeSchemaVersion, EncodeSchemaVersion);
  Check(key, value, DecodeStoreId, EncodeStoreId);
  Check(key, value, DecodeBinding, EncodeBinding);
  Check(key, value, DecodeCapabilities, EncodeCapabilities);
  Check(key, value, DecodeStopped, EncodeStopped);
  Check(key, value, DecodeErasure, EncodeErasure);
  Check(key, value, DecodeSentCount, EncodeSentCount);
}

}  // namespace
}  // namespace parley::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  absl::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const absl::string_view key = rest.substr(0, data[0]);
  rest.remove_prefix(key.size());
  for (const char c : parley::storage::DescribeKey(key)) {
    PARLEY_CHECK(c >= ' ' && c <= '~');
  }
  parley::storage::CheckAll(key, rest);
  parley::storage::CheckAll(key, parley::storage::SealRecord(key, rest));
  return 0;
}
