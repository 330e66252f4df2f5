#include "daemon/rpc/connection_refusal.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/rpc/errors.h"

namespace parley::rpc {
namespace {

// RFC 9113, sections 3.4, 4.1 and 6.
constexpr absl::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderBytes = 9;
constexpr char kHeaders = 1;
constexpr char kRstStream = 3;
constexpr char kSettings = 4;
constexpr char kAck = 1;
constexpr char kEndStream = 1;
constexpr char kEndHeaders = 4;

std::string BigEndian(uint64_t value, int bytes) {
  std::string result;
  for (int i = bytes - 1; i >= 0; --i) {
    result.push_back(static_cast<char>(value >> (8 * i)));
  }
  return result;
}

uint32_t ReadBigEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string Frame(char type, char flags, uint32_t stream,
                  absl::string_view payload) {
  return absl::StrCat(BigEndian(payload.size(), 3), absl::string_view(&type, 1),
                      absl::string_view(&flags, 1), BigEndian(stream, 4),
                      payload);
}

// A string of RFC 7541, section 5.2, without Huffman coding.
std::string HpackString(absl::string_view text) {
  std::string length;
  if (text.size() < 127) {
    length.push_back(static_cast<char>(text.size()));
  } else {
    length.push_back(127);
    size_t rest = text.size() - 127;
    for (; rest >= 128; rest >>= 7) {
      length.push_back(static_cast<char>(rest | 128));
    }
    length.push_back(static_cast<char>(rest));
  }
  return absl::StrCat(length, text);
}

// A field that is not to be remembered (section 6.2.2).
std::string HpackField(absl::string_view name, absl::string_view value) {
  return absl::StrCat(absl::string_view("\0", 1), HpackString(name),
                      HpackString(value));
}

std::string PercentEncode(absl::string_view text) {
  std::string result;
  for (const char c : text) {
    if (absl::ascii_isprint(c) && c != '%') {
      result.push_back(c);
    } else {
      absl::StrAppendFormat(&result, "%%%02X", static_cast<uint8_t>(c));
    }
  }
  return result;
}

std::string Trailers(const absl::Status& reason) {
  const char status_200 = '\x88';  // an entry of the static table
  return absl::StrCat(
      absl::string_view(&status_200, 1),
      HpackField("content-type", "application/grpc"),
      HpackField("grpc-status", absl::StrCat(static_cast<int>(reason.code()))),
      HpackField("grpc-message", PercentEncode(reason.message())),
      HpackField("grpc-status-details-bin",
                 absl::Base64Escape(ErrorDetails(reason))));
}

}  // namespace

ConnectionRefusal::ConnectionRefusal(const absl::Status& reason)
    : trailers_(Trailers(reason)) {}

std::string ConnectionRefusal::Greeting() const {
  return Frame(kSettings, 0, 0, "");
}

bool ConnectionRefusal::Collect(size_t wanted, absl::string_view* bytes) {
  const size_t taken = std::min(wanted - partial_.size(), bytes->size());
  partial_.append(bytes->data(), taken);
  bytes->remove_prefix(taken);
  return partial_.size() == wanted;
}

std::string ConnectionRefusal::OnFrameHeader() {
  payload_left_ = ReadBigEndian(partial_.substr(0, 3));
  const char type = partial_[3];
  const char flags = partial_[4];
  const uint32_t stream = ReadBigEndian(partial_.substr(5, 4)) & 0x7fffffff;
  if (type == kSettings && (flags & kAck) == 0) {
    return Frame(kSettings, kAck, 0, "");
  }
  if (type != kHeaders) return "";
  if (++calls_ > kMaxCalls) {
    done_ = true;
    return "";
  }
  // RST_STREAM: what the client still has to say to this call is not wanted.
  return absl::StrCat(
      Frame(kHeaders, kEndStream | kEndHeaders, stream, trailers_),
      Frame(kRstStream, 0, stream, BigEndian(0, 4)));
}

std::string ConnectionRefusal::Feed(absl::string_view bytes) {
  std::string out;
  bytes_read_ += bytes.size();
  if (bytes_read_ > kMaxBytes) done_ = true;
  while (!bytes.empty() && !done_) {
    if (!preface_read_) {
      if (Collect(kPreface.size(), &bytes)) {
        preface_read_ = true;
        done_ = partial_ != kPreface;
        partial_.clear();
      }
    } else if (payload_left_ > 0) {
      const size_t skipped = std::min(payload_left_, bytes.size());
      bytes.remove_prefix(skipped);
      payload_left_ -= skipped;
    } else if (Collect(kFrameHeaderBytes, &bytes)) {
      out += OnFrameHeader();
      partial_.clear();
    }
  }
  return out;
}

}  // namespace parley::rpc
