#include "daemon/engineio/packet.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/json.h"
#include "daemon/model/limits.h"
#include "nlohmann/json.hpp"

namespace parley::engineio {
namespace {

using nlohmann::json;

// An open packet is one flat object; members that are not known may nest.
constexpr int kMaxOpenDepth = 8;

absl::Status OpenError(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the server's open packet ", what));
}

// A number of milliseconds from 1 on.
absl::StatusOr<absl::Duration> ParsePingDuration(const json& open,
                                                 const char* name) {
  const auto member = open.find(name);
  if (member == open.end()) return OpenError(absl::StrCat("has no ", name));
  if (!member->is_number()) {
    return OpenError(absl::StrCat("has a ", name, " that is no number"));
  }
  const double milliseconds = member->get<double>();
  if (milliseconds < 1) {
    return OpenError(absl::StrCat("has a ", name, " below 1 ms"));
  }
  // Clamped first: the conversion of a double beyond int64_t is undefined.
  const double bounded =
      std::min(milliseconds, absl::ToDoubleMilliseconds(kMaxPingDuration));
  return absl::Milliseconds(static_cast<int64_t>(bounded));
}

absl::StatusOr<size_t> ParseMaxPayload(const json& open) {
  const auto member = open.find("maxPayload");
  // JSON has no infinity: a server without a limit writes null.
  if (member == open.end() || member->is_null()) {
    return model::kDefaultServerMaxPayloadBytes;
  }
  if (!member->is_number()) {
    return OpenError("has a maxPayload that is no number");
  }
  const double bytes = member->get<double>();
  if (bytes < kMinMaxPayloadBytes) {
    return OpenError(absl::StrCat("has a maxPayload below ",
                                  kMinMaxPayloadBytes,
                                  " bytes, too small to log in with"));
  }
  return static_cast<size_t>(
      std::min(bytes, static_cast<double>(model::kMaxFrameBytes)));
}

}  // namespace

absl::StatusOr<Packet> Decode(absl::string_view frame) {
  if (frame.empty()) {
    return absl::InvalidArgumentError("an empty frame is no Engine.IO packet");
  }
  const int type = frame[0] - '0';
  if (type < static_cast<int>(PacketType::kOpen) ||
      type > static_cast<int>(PacketType::kNoop)) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown Engine.IO packet type (byte ",
                     static_cast<unsigned char>(frame[0]), ")"));
  }
  return Packet{static_cast<PacketType>(type), frame.substr(1)};
}

std::string Encode(PacketType type, absl::string_view payload) {
  return absl::StrCat(static_cast<int>(type), payload);
}

absl::StatusOr<OpenParameters> ParseOpen(absl::string_view payload) {
  if (payload.size() > kMaxOpenBytes) {
    return OpenError(absl::StrCat("has ", payload.size(), " bytes; ",
                                  kMaxOpenBytes, " are accepted"));
  }
  const absl::StatusOr<json> open = base::ParseJson(payload, kMaxOpenDepth);
  if (!open.ok()) {
    return OpenError(absl::StrCat("is ", open.status().message()));
  }
  if (!open->is_object()) return OpenError("is no JSON object");

  const auto sid = open->find("sid");
  if (sid == open->end()) return OpenError("has no sid");
  if (!sid->is_string()) return OpenError("has a sid that is no string");
  OpenParameters parameters;
  parameters.sid = sid->get<std::string>();
  if (parameters.sid.empty() || parameters.sid.size() > kMaxSidBytes) {
    return OpenError(absl::StrCat("has a sid of ", parameters.sid.size(),
                                  " bytes; 1 to ", kMaxSidBytes,
                                  " are accepted"));
  }

  const absl::StatusOr<absl::Duration> interval =
      ParsePingDuration(*open, "pingInterval");
  if (!interval.ok()) return interval.status();
  const absl::StatusOr<absl::Duration> timeout =
      ParsePingDuration(*open, "pingTimeout");
  if (!timeout.ok()) return timeout.status();
  const absl::StatusOr<size_t> max_payload = ParseMaxPayload(*open);
  if (!max_payload.ok()) return max_payload.status();
  parameters.ping_interval = *interval;
  parameters.ping_timeout = *timeout;
  parameters.max_payload = *max_payload;
  return parameters;
}

}  // namespace parley::engineio
