#include "daemon/socketio/packet.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/json.h"

namespace parley::socketio {
namespace {

using nlohmann::json;

absl::Status Error(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("Socket.IO packet: ", what));
}

bool IsBinary(PacketType type) {
  return type == PacketType::kBinaryEvent || type == PacketType::kBinaryAck;
}

// Takes the digits at the front of `*rest`. False if they exceed a uint64_t.
// `*value` stays empty when there are none.
bool ConsumeNumber(absl::string_view* rest, std::optional<uint64_t>* value) {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  size_t digits = 0;
  for (; digits < rest->size() && absl::ascii_isdigit((*rest)[digits]);
       ++digits) {
    const uint64_t digit = (*rest)[digits] - '0';
    if (number > (kMax - digit) / 10) return false;
    number = number * 10 + digit;
  }
  if (digits > 0) *value = number;
  rest->remove_prefix(digits);
  return true;
}

absl::Status ConsumeAttachments(absl::string_view* rest, Packet* packet) {
  std::optional<uint64_t> count;
  const bool fits = ConsumeNumber(rest, &count);
  if (fits && (!count.has_value() || rest->empty() || rest->front() != '-')) {
    return Error("a binary one without its number of attachments");
  }
  if (!fits || *count > kMaxAttachments) {
    return Error(
        absl::StrCat("more than ", kMaxAttachments, " binary attachments"));
  }
  rest->remove_prefix(1);
  packet->attachments = *count;
  return absl::OkStatus();
}

absl::Status ConsumeNamespace(absl::string_view* rest, Packet* packet) {
  if (rest->empty() || rest->front() != '/') return absl::OkStatus();
  const size_t end = std::min(rest->find(','), rest->size());
  if (end > kMaxNamespaceBytes) {
    return Error(absl::StrCat("a namespace of more than ", kMaxNamespaceBytes,
                              " bytes"));
  }
  packet->nsp = std::string(rest->substr(0, end));
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return absl::OkStatus();
}

absl::Status ValidateEvent(const Packet& packet) {
  if (!packet.data.has_value() || !packet.data->is_array() ||
      packet.data->empty()) {
    return Error("an event that is no array with a name");
  }
  const json& name = packet.data->front();
  if (name.is_number()) return absl::OkStatus();
  if (!name.is_string()) {
    return Error("an event whose name is neither string nor number");
  }
  if (IsReservedEvent(name.get_ref<const std::string&>())) {
    return Error("an event with a reserved name");
  }
  return absl::OkStatus();
}

absl::Status Validate(const Packet& packet) {
  switch (packet.type) {
    case PacketType::kConnect:
      if (packet.data.has_value() && !packet.data->is_object()) {
        return Error("a CONNECT whose payload is no object");
      }
      return absl::OkStatus();
    case PacketType::kDisconnect:
      if (packet.data.has_value()) return Error("a DISCONNECT with a payload");
      return absl::OkStatus();
    case PacketType::kEvent:
    case PacketType::kBinaryEvent:
      return ValidateEvent(packet);
    case PacketType::kAck:
    case PacketType::kBinaryAck:
      if (!packet.data.has_value() || !packet.data->is_array()) {
        return Error("an ack whose payload is no array");
      }
      if (!packet.ack_id.has_value()) return Error("an ack without an id");
      return absl::OkStatus();
    case PacketType::kConnectError:
      return absl::OkStatus();
  }
  return Error("unknown type");
}

}  // namespace

absl::StatusOr<Packet> Decode(absl::string_view text) {
  if (text.empty()) return Error("empty");
  const int type = text[0] - '0';
  if (type < static_cast<int>(PacketType::kConnect) ||
      type > static_cast<int>(PacketType::kBinaryAck)) {
    return Error(absl::StrCat("unknown type (byte ",
                              static_cast<unsigned char>(text[0]), ")"));
  }
  Packet packet;
  packet.type = static_cast<PacketType>(type);
  absl::string_view rest = text.substr(1);
  if (IsBinary(packet.type)) {
    absl::Status status = ConsumeAttachments(&rest, &packet);
    if (!status.ok()) return status;
  }
  absl::Status status = ConsumeNamespace(&rest, &packet);
  if (!status.ok()) return status;
  if (!ConsumeNumber(&rest, &packet.ack_id)) {
    return Error("an ack id beyond 64 bits");
  }
  if (!rest.empty()) {
    absl::StatusOr<json> data = base::ParseJson(rest, kMaxJsonDepth);
    if (absl::IsOutOfRange(data.status())) return data.status();
    if (!data.ok()) return Error(data.status().message());
    packet.data = *std::move(data);
  }
  status = Validate(packet);
  if (!status.ok()) return status;
  return packet;
}

std::string Encode(const Packet& packet) {
  std::string text = absl::StrCat(static_cast<int>(packet.type));
  if (IsBinary(packet.type)) absl::StrAppend(&text, packet.attachments, "-");
  if (packet.nsp != kMainNamespace) absl::StrAppend(&text, packet.nsp, ",");
  if (packet.ack_id.has_value()) absl::StrAppend(&text, *packet.ack_id);
  if (packet.data.has_value()) {
    absl::StrAppend(&text, base::DumpJson(*packet.data));
  }
  return text;
}

bool IsReservedEvent(absl::string_view name) {
  static constexpr std::array<absl::string_view, 6> kReserved = {
      "connect",       "connect_error", "disconnect",
      "disconnecting", "newListener",   "removeListener",
  };
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

}  // namespace parley::socketio
