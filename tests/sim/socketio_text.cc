#include "tests/sim/socketio_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace parley::sim {
namespace {

using nlohmann::json;

const json& Null() {
  static const json* const null = new json();
  return *null;
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Frame::Kind SocketKind(char type) {
  switch (type) {
    case '0':
      return Frame::Kind::kConnect;
    case '1':
      return Frame::Kind::kDisconnect;
    case '2':
      return Frame::Kind::kEvent;
    case '3':
      return Frame::Kind::kAck;
    case '4':
      return Frame::Kind::kConnectRefused;
    default:
      return Frame::Kind::kGarbage;
  }
}

bool Fits(const Frame& frame) {
  switch (frame.kind) {
    case Frame::Kind::kEvent:
      return frame.data.is_array() && !frame.data.empty() &&
             frame.data[0].is_string();
    case Frame::Kind::kAck:
      return frame.data.is_array() && frame.ack_id.has_value();
    case Frame::Kind::kConnect:
      return frame.data.is_null() || frame.data.is_object();
    default:
      return true;
  }
}

}  // namespace

std::string Frame::event() const {
  return kind == Kind::kEvent ? data[0].get<std::string>() : "";
}

const json& Frame::payload() const {
  if (kind == Kind::kAck && !data.empty()) return data[0];
  if (kind == Kind::kEvent && data.size() > 1) return data[1];
  return Null();
}

Frame ParseFrame(absl::string_view text) {
  Frame frame;
  if (text.empty()) return frame;
  const char engine_type = text[0];
  text.remove_prefix(1);
  if (engine_type == '1') frame.kind = Frame::Kind::kEngineClose;
  if (engine_type == '2') frame.kind = Frame::Kind::kPing;
  if (engine_type == '3') frame.kind = Frame::Kind::kPong;
  if (engine_type == '0') frame.kind = Frame::Kind::kOpen;
  if (engine_type == '4' && !text.empty()) {
    frame.kind = SocketKind(text[0]);
    text.remove_prefix(1);
    size_t digits = 0;
    while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
    uint64_t id = 0;
    if (digits > 0 && absl::SimpleAtoi(text.substr(0, digits), &id)) {
      frame.ack_id = id;
    }
    text.remove_prefix(digits);
  }
  if (!text.empty()) {
    frame.data = json::parse(text.begin(), text.end(), nullptr,
                             /*allow_exceptions=*/false);
    if (frame.data.is_discarded()) return Frame();
  }
  return Fits(frame) ? frame : Frame();
}

std::string EventFrame(absl::string_view event, const json& payload) {
  return absl::StrCat("42", Dump(json::array({std::string(event), payload})));
}

std::string AckFrame(uint64_t id, const json& answer) {
  return absl::StrCat("43", id, Dump(json::array({answer})));
}

std::string PlainFrame(absl::string_view prefix, const json& data) {
  return absl::StrCat(prefix, data.is_null() ? "" : Dump(data));
}

const json& Member(const json& object, const char* name) {
  if (!object.is_object()) return Null();
  const auto found = object.find(name);
  return found == object.end() ? Null() : *found;
}

std::string TextMember(const json& object, const char* name) {
  const json& member = Member(object, name);
  return member.is_string() ? member.get<std::string>() : "";
}

}  // namespace parley::sim
