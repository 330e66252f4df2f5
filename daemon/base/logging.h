#ifndef DAEMON_BASE_LOGGING_H_
#define DAEMON_BASE_LOGGING_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/base/secret.h"

// The log of the daemon's shells: one line of logfmt a fact, on stderr.
//
//   logging::Warning("connect failed", {{"server", url}, {"attempt", 3}});
//   => ts=2026-03-01T12:00:00.123Z level=warning msg="connect failed" ...
//
// A line tells an operator what the daemon did. It never carries what people
// wrote, nor a credential: log ids, sizes and counts. Names and values are
// escaped, so that nothing foreign can forge a line or a field.
//
// Under systemd's journal a line starts with sd-daemon's level prefix ("<6>")
// and has no time of its own. Safe from any thread; a line is never torn.
namespace parley::base::logging {

enum class Level { kDebug, kInfo, kWarning, kError };

absl::string_view LevelName(Level level);

// False when `name` is no level's name; `*level` is then untouched.
bool ParseLevel(absl::string_view name, Level* level);

// A field's value, in its printed form.
class Value {
 public:
  // Implicit, so that a field is just {"name", value}.
  // NOLINTBEGIN(google-explicit-constructor)
  Value(absl::string_view text) : text_(text) {}
  Value(const std::string& text) : text_(text) {}
  Value(const char* text) : text_(text) {}
  Value(bool value) : text_(value ? "true" : "false") {}
  template <typename T,
            std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>,
                             int> = 0>
  Value(T number) : text_(std::to_string(number)) {}
  Value(absl::Duration duration) : text_(absl::FormatDuration(duration)) {}
  Value(const absl::Status& status) : text_(status.ToString()) {}
  Value(const Secret&) : text_(Secret::kRedacted) {}
  // NOLINTEND(google-explicit-constructor)

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

using Field = std::pair<absl::string_view, Value>;

// What is below `level` is dropped. kInfo until it is set.
void SetLevel(Level level);
bool IsEnabled(Level level);

void Log(Level level, absl::string_view message,
         std::initializer_list<Field> fields = {});

inline void Debug(absl::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Log(Level::kDebug, message, fields);
}
inline void Info(absl::string_view message,
                 std::initializer_list<Field> fields = {}) {
  Log(Level::kInfo, message, fields);
}
inline void Warning(absl::string_view message,
                    std::initializer_list<Field> fields = {}) {
  Log(Level::kWarning, message, fields);
}
inline void Error(absl::string_view message,
                  std::initializer_list<Field> fields = {}) {
  Log(Level::kError, message, fields);
}

// How lines look.
enum class Style {
  kPlain,    // with a time
  kJournal,  // with sd-daemon's prefix instead
};

// The line that Log would write, without its newline.
std::string FormatLine(Style style, Level level, absl::Time time,
                       absl::string_view message,
                       std::initializer_list<Field> fields);

// kJournal if `journal_stream` (the variable JOURNAL_STREAM, "device:inode",
// null if unset) names what the descriptor `fd` is connected to.
Style StyleFor(const char* journal_stream, int fd);

}  // namespace parley::base::logging

#endif  // DAEMON_BASE_LOGGING_H_
