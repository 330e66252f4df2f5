#include "tests/integration/plugin_frames.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "daemon/wire/fatal_frames.h"
#include "nlohmann/json.hpp"
#include "tests/integration/harness/process.h"

namespace parley::integration {
namespace {

using nlohmann::json;

// Of one connection, as far as the frames go.
struct Connection {
  bool asked = false;  // CONNECT was sent
  bool ready = false;
  std::map<std::string, std::string> sends;  // by ack id: the room
};

json Parse(absl::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr,
                     /*allow_exceptions=*/false);
}

// "42", an ack id that may be empty, and a JSON array; or the same with "43".
struct Packet {
  std::string ack_id;
  json args;
};

Packet ReadPacket(absl::string_view frame) {
  const absl::string_view rest = frame.substr(2);
  const size_t digits = std::min(rest.find('['), rest.size());
  return {std::string(rest.substr(0, digits)), Parse(rest.substr(digits))};
}

std::string EventOffence(absl::string_view frame, Connection* connection) {
  if (!connection->ready) return "an event before connected";
  const Packet packet = ReadPacket(frame);
  if (!packet.args.is_array() || packet.args.empty()) return "no event";
  if (packet.args[0] != "message:send") return "";
  if (packet.ack_id.empty()) return "a message without an ack id";
  const std::string room = packet.args[1].value("roomName", "");
  for (const auto& [id, other] : connection->sends) {
    if (other == room) return "two messages of a room on their way";
  }
  connection->sends[packet.ack_id] = room;
  return "";
}

std::string ClientOffence(const RecordedFrame& frame, Connection* connection) {
  std::string why = wire::WhyFatal(frame.frame, frame.time);
  if (!why.empty()) return absl::StrCat("a fatal frame: ", why);
  if (absl::StartsWith(frame.frame, "40")) {
    return std::exchange(connection->asked, true) ? "a second CONNECT" : "";
  }
  if (absl::StartsWith(frame.frame, "42")) {
    return EventOffence(frame.frame, connection);
  }
  const bool known =
      frame.frame == "3" || frame.frame == "41" || frame.frame == "1";
  return known ? "" : "a packet that no client sends";
}

void Note(absl::string_view frame, Connection* connection) {
  if (absl::StartsWith(frame, "42[\"connected\"")) connection->ready = true;
  if (absl::StartsWith(frame, "43")) {
    connection->sends.erase(ReadPacket(frame).ack_id);
  }
}

}  // namespace

std::vector<RecordedFrame> ReadFrames(const std::string& path) {
  const std::string text = ReadTextFile(path);
  std::vector<RecordedFrame> frames;
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const json record = Parse(line);
    if (!record.is_object()) continue;
    RecordedFrame frame;
    frame.time = absl::FromUnixMillis(record.value("time", int64_t{0}));
    frame.connection = record.value("connection", "");
    frame.from_client = record.value("from", "") == "client";
    frame.frame = record.value("frame", "");
    frames.push_back(std::move(frame));
  }
  return frames;
}

std::vector<std::string> FindOffences(
    const std::vector<RecordedFrame>& frames) {
  std::map<std::string, Connection> connections;
  std::vector<std::string> offences;
  for (const RecordedFrame& frame : frames) {
    Connection* connection = &connections[frame.connection];
    if (!frame.from_client) {
      Note(frame.frame, connection);
      continue;
    }
    const std::string offence = ClientOffence(frame, connection);
    if (!offence.empty()) {
      offences.push_back(absl::StrCat(offence, ": ", frame.frame));
    }
  }
  return offences;
}

}  // namespace parley::integration
