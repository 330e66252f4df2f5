#include "daemon/wire/ready.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/model/capabilities.h"
#include "daemon/model/limits.h"
#include "daemon/wire/event_names.h"
#include "daemon/wire/field_reader.h"

namespace parley::wire {
namespace {

using nlohmann::json;

std::vector<std::string> DecodeAdvertised(const json& list,
                                          FieldReader* reader) {
  std::vector<std::string> advertised;
  for (size_t i = 0; i < list.size(); ++i) {
    advertised.push_back(reader->TextOf(absl::StrCat("capabilities[", i, "]"),
                                        list[i], kMaxCapabilityBytes,
                                        /*allow_nul=*/false));
  }
  std::sort(advertised.begin(), advertised.end());
  advertised.erase(std::unique(advertised.begin(), advertised.end()),
                   advertised.end());
  return advertised;
}

void DecodeLimits(FieldReader* reader, model::ServerCapabilities* result) {
  const json* object = reader->Object({"limits"});
  if (object == nullptr) return;
  FieldReader limits("limits.", *object, reader->problem());
  result->max_text_bytes = limits.Number({"maxMessageBytes"});
  const uint64_t window = limits.Number({"orderedWindow"});
  if (result->ordered_sends && window > 0) {
    result->ordered_window = static_cast<uint32_t>(
        std::min<uint64_t>(window, model::kMaxOrderedWindow));
  }
}

}  // namespace

bool DecodeReady(const json& payload, Ready* ready, std::string* problem) {
  FieldReader reader("", payload, problem);
  ready->user = ReadUser(&reader);
  ready->server_time = reader.Time({"serverTime"});
  model::ServerCapabilities& result = ready->capabilities;
  result.protocol_version = reader.Name({"protocolVersion"}, kMaxVersionBytes);
  const json* list = reader.List({"capabilities"}, kMaxCapabilities);
  if (list == nullptr) {
    result.dialect = model::Dialect::kPlugin;
    return problem->empty();
  }
  result.dialect = model::Dialect::kFull;
  result.advertised = DecodeAdvertised(*list, &reader);
  const auto has = [&result](absl::string_view capability) {
    return std::binary_search(result.advertised.begin(),
                              result.advertised.end(), capability);
  };
  result.message_ids = has(kAckMessageId);
  result.deduplicates = has(kDedupClientMessageId);
  result.ordered_sends = has(kSendOrdered);
  result.durable_membership = has(kRoomsMembership);
  const std::string epoch =
      reader.Name({"historyEpoch"}, model::kMaxForeignIdBytes);
  // Without an epoch a cursor would have no meaning.
  result.history = has(kHistoryCursor) && !epoch.empty();
  if (result.history) result.history_epoch = epoch;
  result.changes = result.history && has(kMessageChanges);
  DecodeLimits(&reader, &result);
  return problem->empty();
}

}  // namespace parley::wire
