#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "daemon/base/check.h"
#include "daemon/engineio/packet.h"
#include "daemon/model/limits.h"

// Any bytes decode to a packet that encodes to the same bytes, or to an error;
// what an open packet yields is within its documented bounds.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::engineio::OpenParameters;
  const absl::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto packet = parley::engineio::Decode(frame);
  if (!packet.ok()) {
    PARLEY_CHECK(!packet.status().message().empty());
    return 0;
  }
  PARLEY_CHECK(parley::engineio::Encode(packet->type, packet->payload) ==
               frame);
  const absl::StatusOr<OpenParameters> open =
      parley::engineio::ParseOpen(packet->payload);
  if (!open.ok()) return 0;
  PARLEY_CHECK(!open->sid.empty());
  PARLEY_CHECK(open->sid.size() <= parley::engineio::kMaxSidBytes);
  for (const absl::Duration duration :
       {open->ping_interval, open->ping_timeout}) {
    PARLEY_CHECK(duration >= absl::Milliseconds(1));
    PARLEY_CHECK(duration <= parley::engineio::kMaxPingDuration);
  }
  PARLEY_CHECK(open->max_payload >= parley::engineio::kMinMaxPayloadBytes);
  PARLEY_CHECK(open->max_payload <= parley::model::kMaxFrameBytes);
  return 0;
}
