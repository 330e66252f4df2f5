#include "clients/cli/humane.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace parley::cli {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kMaxDuration = absl::Hours(10000 * 24);

struct Range {
  char32_t first;
  char32_t last;
};

// Characters of two columns: East Asian scripts and pictures. Rough: a table
// that is off by a column is still read.
constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

// Characters that stand on the one before, or nowhere.
constexpr Range kNarrow[] = {
    {0x0300, 0x036f},
    {0x200b, 0x200f},
    {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f},
};

template <size_t kSize>
bool IsIn(const Range (&ranges)[kSize], char32_t c) {
  return std::any_of(
      std::begin(ranges), std::end(ranges),
      [c](const Range& range) { return range.first <= c && c <= range.last; });
}

constexpr char32_t kNoCharacter = 0xffffffff;

// Takes a character off the front; kNoCharacter for a byte that starts none.
char32_t TakeCharacter(absl::string_view* text) {
  const auto byte = [text](size_t i) -> char32_t {
    return i < text->size() ? static_cast<unsigned char>((*text)[i]) : 0;
  };
  const char32_t lead = byte(0);
  const size_t size = lead < 0x80   ? 1
                      : lead < 0xc0 ? 0
                      : lead < 0xe0 ? 2
                      : lead < 0xf0 ? 3
                      : lead < 0xf8 ? 4
                                    : 0;
  // The least that needs this many bytes.
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  char32_t c = size == 1 ? lead : lead & (0x7f >> size);
  bool good = size > 0;
  for (size_t i = 1; i < size; ++i) {
    good = good && (byte(i) & 0xc0) == 0x80;
    c = (c << 6) | (byte(i) & 0x3f);
  }
  good = good && c >= kLeast[size] && c <= 0x10ffff &&
         !(c >= 0xd800 && c <= 0xdfff);
  text->remove_prefix(good ? size : 1);
  return good ? c : kNoCharacter;
}

bool IsControl(char32_t c) {
  // C1 controls and those that turn the direction of writing are no less
  // harmful than C0.
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == kNoCharacter;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  double days = 0;
  absl::string_view number = text;
  if (absl::ConsumeSuffix(&number, "d") && absl::SimpleAtod(number, &days)) {
    duration = days * kDay;
  } else if (!absl::ParseDuration(text, &duration)) {
    int64_t bare = 0;
    return absl::InvalidArgumentError(
        absl::SimpleAtoi(text, &bare)
            ? absl::StrCat("\"", text, "\" has no unit, write ", text, "s")
            : absl::StrCat("\"", text,
                           "\" is no duration like 30s, 500ms or 1h"));
  }
  // Also refuses what is no number.
  if (!(duration > absl::ZeroDuration() && duration <= kMaxDuration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not more than 0 and at most 10000d"));
  }
  return duration;
}

std::string HumaneDuration(absl::Duration duration) {
  if (duration < absl::Seconds(1)) return "<1 s";
  if (duration < absl::Minutes(1)) {
    return absl::StrCat(absl::ToInt64Seconds(duration), " s");
  }
  if (duration < absl::Hours(1)) {
    return absl::StrCat(absl::ToInt64Minutes(duration), " min");
  }
  if (duration < 2 * kDay) {
    return absl::StrCat(absl::ToInt64Hours(duration), " h");
  }
  return absl::StrCat(duration / kDay, " d");
}

std::string HumaneTime(absl::Time time, absl::Time now, absl::TimeZone zone) {
  const absl::CivilDay day = absl::ToCivilDay(time, zone);
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  const char* format = day == today                 ? "%H:%M:%S"
                       : day.year() == today.year() ? "%b %d %H:%M"
                                                    : "%Y-%m-%d %H:%M";
  return absl::FormatTime(format, time, zone);
}

std::string HumaneBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  // What would be written as 1024 is 1 of the next unit.
  while (amount >= 1023.5 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  const bool fraction = unit > 0 && amount < 9.95 &&
                        absl::StrFormat("%.1f", amount).back() != '0';
  return absl::StrFormat("%.*f %s", fraction ? 1 : 0, amount, kUnits[unit]);
}

std::string Count(int64_t number, absl::string_view one,
                  absl::string_view many) {
  return absl::StrCat(number, " ", number == 1 ? one : many);
}

std::string EnumWord(absl::string_view name, absl::string_view prefix) {
  if (name.empty()) return "unknown";
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(name, prefix)), {{"_", " "}});
}

std::string OneLine(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const absl::string_view before = text;
    const char32_t c = TakeCharacter(&text);
    if (c == '\n' || c == '\t') {
      line.push_back(' ');
    } else if (IsControl(c)) {
      line.push_back('.');
    } else {
      absl::StrAppend(&line, before.substr(0, before.size() - text.size()));
    }
  }
  return line;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    if (TakeCharacter(&text) == kNoCharacter) return false;
  }
  return true;
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const char32_t c = TakeCharacter(&text);
    width += IsIn(kWide, c) ? 2 : IsIn(kNarrow, c) ? 0 : 1;
  }
  return width;
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

}  // namespace parley::cli
