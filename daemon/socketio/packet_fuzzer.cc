#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "daemon/base/check.h"
#include "daemon/socketio/packet.h"

// Any bytes decode to a packet, or to an error with words. A packet that
// decoded encodes to a text that decodes to the same packet.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using parley::socketio::Packet;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Packet> packet = parley::socketio::Decode(text);
  if (!packet.ok()) {
    PARLEY_CHECK(!packet.status().message().empty());
    return 0;
  }
  PARLEY_CHECK(packet->attachments <= parley::socketio::kMaxAttachments);
  PARLEY_CHECK(packet->nsp.size() <= parley::socketio::kMaxNamespaceBytes);
  // A refusal may be a bare number after a blank, which cannot be written
  // without being taken for an ack id. Nothing that Parley sends is one.
  if (packet->data.has_value() && packet->data->is_number()) return 0;
  const absl::StatusOr<Packet> again =
      parley::socketio::Decode(parley::socketio::Encode(*packet));
  PARLEY_CHECK(again.ok());
  PARLEY_CHECK(again->type == packet->type);
  PARLEY_CHECK(again->nsp == packet->nsp);
  PARLEY_CHECK(again->ack_id == packet->ack_id);
  PARLEY_CHECK(again->attachments == packet->attachments);
  PARLEY_CHECK(again->data == packet->data);
  return 0;
}
