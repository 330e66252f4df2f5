#include "daemon/socketio/session.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daemon/base/check.h"

namespace parley::socketio {
namespace {

using nlohmann::json;

// A refusal ends up in a status line; a server may put a page into it.
constexpr size_t kMaxRefusalBytes = 512;

std::string Message(const Packet& packet) {
  return engineio::Encode(engineio::PacketType::kMessage, Encode(packet));
}

std::string EventMessage(absl::string_view name, const json& payload,
                         std::optional<uint64_t> ack_id) {
  Packet packet;
  packet.type = PacketType::kEvent;
  packet.ack_id = ack_id;
  packet.data = json::array({std::string(name), payload});
  return Message(packet);
}

bool CarriesEventOrAck(PacketType type) {
  return type == PacketType::kEvent || type == PacketType::kAck ||
         type == PacketType::kBinaryEvent || type == PacketType::kBinaryAck;
}

// Cuts between characters, not within one.
std::string Shortened(std::string text) {
  if (text.size() <= kMaxRefusalBytes) return text;
  size_t end = kMaxRefusalBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  text.resize(end);
  return absl::StrCat(text, "...");
}

// Servers of this protocol send {"message", "data"?}; older ones a string.
Refused ParseRefusal(std::optional<json> payload) {
  Refused refused;
  if (payload.has_value() && payload->is_string()) {
    refused.message = payload->get<std::string>();
  } else if (payload.has_value() && payload->is_object()) {
    const auto message = payload->find("message");
    if (message != payload->end() && message->is_string()) {
      refused.message = message->get<std::string>();
    }
    const auto data = payload->find("data");
    if (data != payload->end()) refused.data = std::move(*data);
  } else if (payload.has_value()) {
    refused.data = *std::move(payload);
  }
  refused.message = refused.message.empty()
                        ? "the server refused without saying why"
                        : Shortened(std::move(refused.message));
  return refused;
}

}  // namespace

absl::string_view CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kProtocolError:
      return "PROTOCOL_ERROR";
    case CloseReason::kServerDisconnect:
      return "SERVER_DISCONNECT";
    case CloseReason::kEngineClosed:
      return "ENGINE_CLOSED";
  }
  PARLEY_CHECK(false);
}

Session::Session(const Options& options)
    : max_incoming_bytes_(options.max_incoming_bytes),
      auth_json_(options.auth_json) {}

void Session::OnText(absl::string_view frame, base::MonotonicTime now,
                     std::vector<Output>* out) {
  if (state_ == State::kClosed) return;
  if (frame.size() > max_incoming_bytes_) {
    return Fail(absl::StrCat("the server sent a frame of ", frame.size(),
                             " bytes; ", max_incoming_bytes_, " are accepted"),
                out);
  }
  const absl::StatusOr<engineio::Packet> packet = engineio::Decode(frame);
  if (!packet.ok()) return Fail(std::string(packet.status().message()), out);
  if (state_ == State::kAwaitingOpen &&
      packet->type != engineio::PacketType::kOpen) {
    return Fail(
        "the server's first frame is no Engine.IO open packet; is this the "
        "address of a Socket.IO server?",
        out);
  }
  switch (packet->type) {
    case engineio::PacketType::kOpen:
      return OnOpen(packet->payload, now, out);
    case engineio::PacketType::kClose:
      return Close(CloseReason::kEngineClosed,
                   "the server closed the Engine.IO session", out);
    case engineio::PacketType::kPing:
      return OnPing(now, out);
    case engineio::PacketType::kMessage:
      return OnMessage(packet->payload, out);
    case engineio::PacketType::kPong:
      out->push_back(Ignored{"a pong that was not asked for"});
      return;
    case engineio::PacketType::kUpgrade:
      out->push_back(Ignored{"an upgrade that was not asked for"});
      return;
    case engineio::PacketType::kNoop:
      return;
  }
}

void Session::OnBinary(size_t bytes, base::MonotonicTime /*now*/,
                       std::vector<Output>* out) {
  if (state_ == State::kClosed) return;
  if (bytes > max_incoming_bytes_) {
    return Fail(absl::StrCat("the server sent a binary frame of ", bytes,
                             " bytes; ", max_incoming_bytes_, " are accepted"),
                out);
  }
  if (attachments_left_ == 0) {
    return Fail("the server sent a binary frame that belongs to no packet",
                out);
  }
  --attachments_left_;
}

std::string Session::EncodeEvent(absl::string_view name,
                                 const json& payload) const {
  PARLEY_CHECK(connected());
  return EventMessage(name, payload, std::nullopt);
}

std::pair<uint64_t, std::string> Session::EncodeRequest(absl::string_view name,
                                                        const json& payload) {
  PARLEY_CHECK(connected());
  const uint64_t id = next_ack_id_++;
  return {id, EventMessage(name, payload, id)};
}

std::string Session::EncodeAck(uint64_t id, const json& args) const {
  PARLEY_CHECK(connected());
  PARLEY_CHECK(args.is_array());
  Packet packet;
  packet.type = PacketType::kAck;
  packet.ack_id = id;
  packet.data = args;
  return Message(packet);
}

std::string Session::EncodeDisconnect() const {
  Packet packet;
  packet.type = PacketType::kDisconnect;
  return Message(packet);
}

void Session::OnOpen(absl::string_view payload, base::MonotonicTime now,
                     std::vector<Output>* out) {
  if (state_ != State::kAwaitingOpen) {
    return Fail("the server opened an Engine.IO session that was open", out);
  }
  absl::StatusOr<engineio::OpenParameters> open = engineio::ParseOpen(payload);
  if (!open.ok()) return Fail(std::string(open.status().message()), out);
  open_ = *std::move(open);

  // "40" and the text as it is: it need not be parsed to be sent.
  std::string connect =
      engineio::Encode(engineio::PacketType::kMessage,
                       absl::StrCat(static_cast<int>(PacketType::kConnect),
                                    auth_json_.Reveal()));
  auth_json_ = base::Secret();
  if (connect.size() > open_.max_payload) {
    return Fail(absl::StrCat("the credentials make a frame of ", connect.size(),
                             " bytes; the server accepts ", open_.max_payload),
                out);
  }
  state_ = State::kConnecting;
  ping_deadline_ = now + open_.ping_interval + open_.ping_timeout;
  ping_window_start_ = now;
  out->push_back(Opened{open_});
  out->push_back(SendFrame{std::move(connect)});
}

void Session::OnPing(base::MonotonicTime now, std::vector<Output>* out) {
  ping_deadline_ = now + open_.ping_interval + open_.ping_timeout;
  if (now - ping_window_start_ >= absl::Seconds(1)) {
    ping_window_start_ = now;
    pings_in_window_ = 0;
  }
  if (pings_in_window_ >= kMaxPingsPerSecond) {
    out->push_back(Ignored{"a flood of pings"});
    return;
  }
  ++pings_in_window_;
  out->push_back(SendFrame{engineio::Encode(engineio::PacketType::kPong, "")});
}

void Session::OnMessage(absl::string_view payload, std::vector<Output>* out) {
  if (attachments_left_ > 0) {
    return Fail(
        absl::StrCat("the server sent a packet while ", attachments_left_,
                     " binary attachments were missing"),
        out);
  }
  absl::StatusOr<Packet> packet = Decode(payload);
  if (absl::IsOutOfRange(packet.status())) {
    // Another user's payload, which the server relays: ending the session
    // would let one message put everybody in the room offline, again and again.
    out->push_back(Ignored{std::string(packet.status().message())});
    return;
  }
  if (!packet.ok()) return Fail(std::string(packet.status().message()), out);
  attachments_left_ = packet->attachments;
  if (packet->nsp != kMainNamespace) {
    out->push_back(Ignored{"a packet of another namespace"});
    return;
  }
  OnMainPacket(*std::move(packet), out);
}

void Session::OnMainPacket(Packet packet, std::vector<Output>* out) {
  if (!connected() && CarriesEventOrAck(packet.type)) {
    return Fail("the server sent an event or an ack before it accepted CONNECT",
                out);
  }
  switch (packet.type) {
    case PacketType::kConnect:
      return OnConnect(packet, out);
    case PacketType::kConnectError:
      return OnConnectError(std::move(packet), out);
    case PacketType::kDisconnect:
      return Close(CloseReason::kServerDisconnect,
                   "the server ended the session", out);
    case PacketType::kEvent:
      return OnEvent(std::move(packet), out);
    case PacketType::kAck:
      return OnAck(std::move(packet), out);
    case PacketType::kBinaryEvent:
      out->push_back(Ignored{"an event with binary attachments"});
      return;
    case PacketType::kBinaryAck:
      out->push_back(Ignored{"an ack with binary attachments"});
      return;
  }
}

void Session::OnConnect(const Packet& packet, std::vector<Output>* out) {
  if (connected()) return Fail("the server accepted CONNECT twice", out);
  std::string sid;
  if (packet.data.has_value()) {
    const auto member = packet.data->find("sid");
    if (member != packet.data->end() && member->is_string()) {
      sid = member->get<std::string>();
    }
  }
  if (sid.empty() || sid.size() > engineio::kMaxSidBytes) {
    return Fail(
        "the server accepted CONNECT without a usable sid; is it a Socket.IO "
        "server of version 2? Version 3 or newer is needed",
        out);
  }
  state_ = State::kConnected;
  out->push_back(Connected{std::move(sid)});
}

void Session::OnConnectError(Packet packet, std::vector<Output>* out) {
  if (connected()) {
    return Fail("the server refused a CONNECT that it had accepted", out);
  }
  state_ = State::kClosed;
  out->push_back(ParseRefusal(std::move(packet.data)));
}

void Session::OnEvent(Packet packet, std::vector<Output>* out) {
  json& data = *packet.data;
  if (!data.front().is_string()) {
    out->push_back(Ignored{"an event named by a number"});
    return;
  }
  EventReceived event;
  event.name = data.front().get<std::string>();
  data.erase(data.begin());
  event.args = std::move(data);
  event.ack_id = packet.ack_id;
  out->push_back(std::move(event));
}

void Session::OnAck(Packet packet, std::vector<Output>* out) {
  if (*packet.ack_id >= next_ack_id_) {
    out->push_back(Ignored{"an ack of a request that was never made"});
    return;
  }
  out->push_back(AckReceived{*packet.ack_id, *std::move(packet.data)});
}

void Session::Close(CloseReason reason, std::string detail,
                    std::vector<Output>* out) {
  state_ = State::kClosed;
  out->push_back(Closed{reason, std::move(detail)});
}

void Session::Fail(std::string detail, std::vector<Output>* out) {
  Close(CloseReason::kProtocolError, std::move(detail), out);
}

}  // namespace parley::socketio
