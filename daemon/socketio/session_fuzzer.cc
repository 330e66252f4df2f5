#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/check.h"
#include "daemon/socketio/session.h"

namespace {

using parley::base::MonotonicTime;
using parley::socketio::Closed;
using parley::socketio::Ignored;
using parley::socketio::Output;
using parley::socketio::Refused;
using parley::socketio::Session;

bool Ends(const Output& output) {
  return std::holds_alternative<Closed>(output) ||
         std::holds_alternative<Refused>(output);
}

void Judge(const std::vector<Output>& out, const Session& session) {
  for (size_t i = 0; i < out.size(); ++i) {
    const bool last = i + 1 == out.size();
    PARLEY_CHECK(!Ends(out[i]) || last);
    if (const auto* closed = std::get_if<Closed>(&out[i])) {
      PARLEY_CHECK(!closed->detail.empty());
    } else if (const auto* refused = std::get_if<Refused>(&out[i])) {
      PARLEY_CHECK(!refused->message.empty());
    } else if (const auto* ignored = std::get_if<Ignored>(&out[i])) {
      PARLEY_CHECK(!ignored->why.empty());
    }
  }
  const bool ended = !out.empty() && Ends(out.back());
  PARLEY_CHECK(ended == (session.state() == Session::State::kClosed));
}

}  // namespace

// A whole conversation: one frame a line, of which those that start with '!'
// are binary. A session ends at most once, and says nothing after it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  Session session({R"({"token":"t"})", 64 * 1024});
  std::vector<Output> out;
  MonotonicTime now;
  while (!rest.empty()) {
    const absl::string_view frame = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(frame.size());
    if (!rest.empty()) rest.remove_prefix(1);
    now = now + absl::Milliseconds(1);
    if (!frame.empty() && frame[0] == '!') {
      session.OnBinary(frame.size(), now, &out);
    } else {
      session.OnText(frame, now, &out);
    }
    Judge(out, session);
    // What a request does to later acks is part of the conversation.
    if (session.connected()) session.EncodeRequest("r", nullptr);
  }
  return 0;
}
