#include "daemon/base/json.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace parley::base {
namespace {

using nlohmann::json;

// nlohmann::json's number for a number that does not fit its type.
constexpr int kNumberOverflow = 406;

// Finds out what is wrong with a text that did not parse. A second pass, taken
// for broken text only, because the first one does not say.
class ErrorFinder : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string& /*last_token*/,
                   const nlohmann::detail::exception& error) override {
    const absl::string_view what(error.what());
    if (error.id == kNumberOverflow) {
      message_ = absl::StrCat("a number before byte ", position,
                              " is too large for a double");
    } else if (absl::StrContains(what, "ill-formed UTF-8")) {
      message_ = absl::StrCat("ill-formed UTF-8 at byte ", position);
    } else {
      message_ = absl::StrCat("a syntax error at byte ", position);
    }
    return false;
  }

  const std::string& message() const { return message_; }

 private:
  std::string message_ = "a syntax error";
};

// The code unit of "\uXXXX" at `offset`, or -1 if there is no such escape.
int EscapedUnit(absl::string_view text, size_t offset) {
  if (offset + 6 > text.size() || text[offset] != '\\' ||
      text[offset + 1] != 'u') {
    return -1;
  }
  int unit = 0;
  for (size_t i = offset + 2; i < offset + 6; ++i) {
    const char c = absl::ascii_tolower(text[i]);
    if (!absl::ascii_isxdigit(c)) return -1;
    unit = unit * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return unit;
}

bool IsHighSurrogate(int unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool IsLowSurrogate(int unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

struct ScanResult {
  int depth = 0;
  std::vector<size_t> lone_surrogates;  // offsets of their escapes
};

// Exact for valid JSON. What it makes of other text does not matter, since the
// parser then refuses it.
ScanResult Scan(absl::string_view text) {
  ScanResult result;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!in_string) {
      if (c == '"') in_string = true;
      if (c == '[' || c == '{') result.depth = std::max(result.depth, ++depth);
      if (c == ']' || c == '}') --depth;
      continue;
    }
    if (c == '"') in_string = false;
    if (c != '\\') continue;
    const int unit = EscapedUnit(text, i);
    if (IsHighSurrogate(unit) && IsLowSurrogate(EscapedUnit(text, i + 6))) {
      i += 11;
    } else if (IsHighSurrogate(unit) || IsLowSurrogate(unit)) {
      result.lone_surrogates.push_back(i);
      i += 5;
    } else {
      i += 1;
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<json> ParseJson(absl::string_view text, int max_depth) {
  const ScanResult scan = Scan(text);
  if (scan.depth > max_depth) {
    return absl::OutOfRangeError(absl::StrCat("JSON nested ", scan.depth,
                                              " deep; ", max_depth,
                                              " levels are accepted"));
  }
  // The parser takes a NUL for the end of the text, and skips a byte order
  // mark; neither is JSON.
  if (const size_t nul = text.find('\0'); nul != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("not JSON: a syntax error at byte ", nul + 1));
  }
  if (absl::StartsWith(text, "\xef\xbb\xbf")) {
    return absl::InvalidArgumentError("not JSON: a syntax error at byte 1");
  }
  std::string repaired;
  if (!scan.lone_surrogates.empty()) {
    repaired = std::string(text);
    // Of the same length, so that offsets in errors stay right.
    for (const size_t at : scan.lone_surrogates) {
      repaired.replace(at, 6, "\\ufffd");
    }
    text = repaired;
  }
  json value = json::parse(text.begin(), text.end(), /*cb=*/nullptr,
                           /*allow_exceptions=*/false);
  if (!value.is_discarded()) return value;
  ErrorFinder finder;
  json::sax_parse(text.begin(), text.end(), &finder);
  return absl::InvalidArgumentError(
      absl::StrCat("not JSON: ", finder.message()));
}

std::string DumpJson(const json& value) {
  return value.dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/false,
                    json::error_handler_t::replace);
}

}  // namespace parley::base
