#include "daemon/wire/fatal_frames.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "daemon/base/json.h"
#include "nlohmann/json.hpp"

namespace parley::wire {
namespace {

using nlohmann::json;

// The widths of the server's columns, in characters.
constexpr size_t kMaxNameCharacters = 255;
constexpr size_t kMaxTenantCharacters = 128;
constexpr size_t kMaxStatusCharacters = 20;
constexpr size_t kMaxEmojiCharacters = 100;
constexpr size_t kMaxTextCharacters = SIZE_MAX;
// A latency has 32 bits of milliseconds.
constexpr double kMaxLatencyMs = 2147483647;

constexpr int kMaxDepth = 128;

// Of UTF-8.
size_t Characters(absl::string_view text) {
  size_t count = 0;
  for (const char c : text) {
    if ((static_cast<uint8_t>(c) & 0xc0) != 0x80) ++count;
  }
  return count;
}

bool HasNul(const json& value) {
  if (value.is_string()) {
    return value.get_ref<const std::string&>().find('\0') != std::string::npos;
  }
  if (!value.is_structured()) return false;
  for (const auto& [key, member] : value.items()) {
    if (key.find('\0') != std::string::npos || HasNul(member)) return true;
  }
  return false;
}

// A member that is kept in a column of text; it may be absent.
std::string WhyNoColumn(const json& object, const char* name,
                        size_t max_characters) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return "";
  if (!it->is_string()) return absl::StrCat(name, " is no text");
  if (HasNul(*it)) return absl::StrCat(name, " has a NUL");
  if (Characters(it->get_ref<const std::string&>()) > max_characters) {
    return absl::StrCat(name, " is longer than ", max_characters,
                        " characters");
  }
  return "";
}

std::string First(const std::string& one, const std::string& other) {
  return one.empty() ? other : one;
}

std::string WhyFatalTyping(const json& payload) {
  return First(WhyNoColumn(payload, "roomName", kMaxTextCharacters),
               WhyNoColumn(payload, "threadId", kMaxNameCharacters));
}

std::string WhyFatalPong(const json& payload, base::WallTime now) {
  const auto it = payload.find("timestamp");
  if (it == payload.end() || !it->is_number()) return "timestamp is no number";
  const auto timestamp = it->get<double>();
  if (timestamp != std::floor(timestamp)) {
    return "timestamp is no whole number";
  }
  const auto now_ms = static_cast<double>(absl::ToUnixMillis(now));
  if (!(std::abs(now_ms - timestamp) <= kMaxLatencyMs)) {
    return "timestamp is too far from the server's time";
  }
  return "";
}

std::string WhyFatalPresence(const json& payload) {
  std::string why = WhyNoColumn(payload, "status", kMaxStatusCharacters);
  const auto it = payload.find("customStatus");
  if (!why.empty() || it == payload.end() || it->is_null()) return why;
  if (!it->is_object()) return "customStatus is no object";
  why = First(WhyNoColumn(*it, "text", kMaxTextCharacters),
              WhyNoColumn(*it, "emoji", kMaxEmojiCharacters));
  const auto expires = it->find("expiresAt");
  if (!why.empty() || expires == it->end() || expires->is_null()) return why;
  absl::Time time;
  if (!expires->is_string() ||
      !absl::ParseTime(absl::RFC3339_full,
                       expires->get_ref<const std::string&>(), &time,
                       nullptr)) {
    return "expiresAt is no time";
  }
  return "";
}

std::string WhyFatalEvent(const json& args, base::WallTime now) {
  if (!args.is_array() || args.empty() || !args[0].is_string()) {
    return "an event is an array that begins with its name";
  }
  const std::string& name = args[0].get_ref<const std::string&>();
  const bool answered =
      name == "room:join" || name == "room:leave" || name == "message:send";
  const bool typing = name == "typing:start" || name == "typing:stop";
  const bool presence = name == "presence:update";
  if (!answered && !typing && !presence && name != "pong") return "";
  if (args.size() < 2 || !args[1].is_object()) {
    return absl::StrCat(name, " without an object as its payload");
  }
  if (args.size() > 2) {
    return absl::StrCat(name, " with a second argument");
  }
  std::string why;
  if (typing) why = WhyFatalTyping(args[1]);
  if (presence) why = WhyFatalPresence(args[1]);
  if (name == "pong") why = WhyFatalPong(args[1], now);
  return why.empty() ? "" : absl::StrCat(name, ": ", why);
}

// Of a token's claims those that are kept. A text that is no token is refused.
std::string WhyFatalToken(const json& auth) {
  const auto it = auth.find("token");
  if (it == auth.end() || !it->is_string()) return "";
  const std::vector<std::string> parts =
      absl::StrSplit(it->get_ref<const std::string&>(), '.');
  std::string text;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &text)) {
    return "";
  }
  const absl::StatusOr<json> claims = base::ParseJson(text, kMaxDepth);
  if (!claims.ok() || !claims->is_object()) return "";
  return First(WhyNoColumn(*claims, "userId", kMaxNameCharacters),
               WhyNoColumn(*claims, "sessionId", kMaxNameCharacters));
}

std::string WhyFatalConnect(const json& auth) {
  if (!auth.is_object()) return "CONNECT without an object";
  std::string why =
      First(WhyNoColumn(auth, "sourceAccountId", kMaxTenantCharacters),
            WhyFatalToken(auth));
  const auto device = auth.find("device");
  if (why.empty() && device != auth.end() && HasNul(*device)) {
    why = "device has a NUL";
  }
  return why.empty() ? "" : absl::StrCat("CONNECT: ", why);
}

void SkipDigits(absl::string_view* text) {
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    text->remove_prefix(1);
  }
}

// To the JSON of a Socket.IO packet whose type is taken off.
void SkipHeader(bool binary, absl::string_view* text) {
  if (binary) {
    SkipDigits(text);
    if (!text->empty()) text->remove_prefix(1);  // the hyphen
  }
  if (!text->empty() && text->front() == '/') {
    const size_t comma = text->find(',');
    text->remove_prefix(comma == absl::string_view::npos ? text->size()
                                                         : comma + 1);
  }
  SkipDigits(text);
}

}  // namespace

std::string WhyFatal(absl::string_view frame, base::WallTime now) {
  // Engine.IO's own packets end a connection at worst.
  if (frame.empty() || frame.front() != '4') return "";
  absl::string_view text = frame.substr(1);
  if (text.empty()) return "a message packet without content";
  const char type = text.front();
  text.remove_prefix(1);
  const bool connect = type == '0';
  const bool event = type == '2' || type == '5';
  if (!connect && !event) return "";
  SkipHeader(/*binary=*/type == '5', &text);
  const absl::StatusOr<json> data = base::ParseJson(text, kMaxDepth);
  if (!data.ok()) {
    return absl::StrCat("cannot be read: ", data.status().message());
  }
  return connect ? WhyFatalConnect(*data) : WhyFatalEvent(*data, now);
}

}  // namespace parley::wire
