#ifndef DAEMON_SOCKETIO_SESSION_TEST_UTIL_H_
#define DAEMON_SOCKETIO_SESSION_TEST_UTIL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/socketio/session.h"

namespace parley::socketio {

inline constexpr char kOpenFrame[] =
    R"(0{"sid":"engine","upgrades":[],"pingInterval":25000,)"
    R"("pingTimeout":20000,"maxPayload":1000000})";
inline constexpr char kConnectedFrame[] = R"(40{"sid":"socket"})";

// One line an output, so that tests compare what they mean to say.
inline std::string Describe(const Output& output) {
  struct Visitor {
    std::string operator()(const SendFrame& o) { return "send " + o.text; }
    std::string operator()(const Opened& o) {
      return "opened " + o.parameters.sid;
    }
    std::string operator()(const Connected& o) { return "connected " + o.sid; }
    std::string operator()(const Refused& o) {
      return absl::StrCat("refused ", o.message, " ", o.data.dump());
    }
    std::string operator()(const EventReceived& o) {
      return absl::StrCat("event ", o.name, " ", o.args.dump(),
                          o.ack_id ? absl::StrCat(" id ", *o.ack_id) : "");
    }
    std::string operator()(const AckReceived& o) {
      return absl::StrCat("ack ", o.id, " ", o.args.dump());
    }
    std::string operator()(const Ignored& o) { return "ignored " + o.why; }
    std::string operator()(const Closed& o) {
      return absl::StrCat("closed ", CloseReasonName(o.reason), " ", o.detail);
    }
  };
  return std::visit(Visitor(), output);
}

// A Session and the time it believes in.
class SessionDriver {
 public:
  explicit SessionDriver(const Session::Options& options = {R"({"token":"t"})",
                                                            4096})
      : session_(options) {}

  std::vector<std::string> Text(absl::string_view frame) {
    std::vector<Output> out;
    session_.OnText(frame, now_, &out);
    return DescribeAll(out);
  }
  std::vector<std::string> Binary(size_t bytes) {
    std::vector<Output> out;
    session_.OnBinary(bytes, now_, &out);
    return DescribeAll(out);
  }
  SessionDriver& Open() {
    Text(kOpenFrame);
    return *this;
  }
  SessionDriver& Connect() {
    Open().Text(kConnectedFrame);
    return *this;
  }
  void Advance(absl::Duration duration) { now_ = now_ + duration; }

  Session* operator->() { return &session_; }
  base::MonotonicTime now() const { return now_; }

 private:
  static std::vector<std::string> DescribeAll(const std::vector<Output>& out) {
    std::vector<std::string> lines;
    for (const Output& output : out) lines.push_back(Describe(output));
    return lines;
  }

  Session session_;
  base::MonotonicTime now_{absl::Seconds(1000)};
};

}  // namespace parley::socketio

#endif  // DAEMON_SOCKETIO_SESSION_TEST_UTIL_H_
