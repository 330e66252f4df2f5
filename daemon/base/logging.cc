#include "daemon/base/logging.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daemon/base/check.h"
#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace parley::base::logging {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  PARLEY_CHECK(false);
}

// The severities of syslog(3), which sd-daemon's prefixes carry.
int SyslogSeverity(Level level) {
  switch (level) {
    case Level::kDebug:
      return 7;
    case Level::kInfo:
      return 6;
    case Level::kWarning:
      return 4;
    case Level::kError:
      return 3;
  }
  PARLEY_CHECK(false);
}

struct Stderr {
  Stderr()
      : style(StyleFor(std::getenv("JOURNAL_STREAM"), STDERR_FILENO)),
        logger("parley", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::info);
    // A closed stderr must not end the daemon, nor fill its own log.
    logger.set_error_handler([](const std::string&) {});
  }

  const Style style;
  spdlog::logger logger;
};

Stderr& Instance() {
  // Never destroyed: a thread that outlives main may still log.
  static Stderr& instance = *new Stderr;
  return instance;
}

bool IsBare(char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

void AppendKey(absl::string_view key, std::string* line) {
  for (const char c : key) line->push_back(IsBare(c) ? c : '_');
}

void AppendValue(absl::string_view value, std::string* line) {
  bool bare = !value.empty();
  for (const char c : value) bare = bare && IsBare(c);
  if (bare) {
    absl::StrAppend(line, value);
    return;
  }
  line->push_back('"');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line->push_back('\\');
      line->push_back(c);
    } else if (c == '\n') {
      absl::StrAppend(line, "\\n");
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(line, "\\x%02x", byte);
    } else {
      line->push_back(c);
    }
  }
  line->push_back('"');
}

}  // namespace

absl::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  PARLEY_CHECK(false);
}

bool ParseLevel(absl::string_view name, Level* level) {
  for (const Level candidate :
       {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (name == LevelName(candidate)) {
      *level = candidate;
      return true;
    }
  }
  return false;
}

void SetLevel(Level level) { Instance().logger.set_level(ToSpdlog(level)); }

bool IsEnabled(Level level) {
  return Instance().logger.should_log(ToSpdlog(level));
}

void Log(Level level, absl::string_view message,
         std::initializer_list<Field> fields) {
  if (!IsEnabled(level)) return;
  Stderr& out = Instance();
  const std::string line =
      FormatLine(out.style, level, absl::Now(), message, fields);
  out.logger.log(ToSpdlog(level),
                 spdlog::string_view_t(line.data(), line.size()));
}

std::string FormatLine(Style style, Level level, absl::Time time,
                       absl::string_view message,
                       std::initializer_list<Field> fields) {
  std::string line;
  if (style == Style::kJournal) {
    absl::StrAppend(&line, "<", SyslogSeverity(level), ">");
  } else {
    absl::StrAppend(
        &line, "ts=",
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()),
        " level=", LevelName(level), " ");
  }
  absl::StrAppend(&line, "msg=");
  AppendValue(message, &line);
  for (const Field& field : fields) {
    line.push_back(' ');
    AppendKey(field.first, &line);
    line.push_back('=');
    AppendValue(field.second.text(), &line);
  }
  return line;
}

Style StyleFor(const char* journal_stream, int fd) {
  if (journal_stream == nullptr) return Style::kPlain;
  // A child whose stderr went elsewhere inherits the variable all the same.
  struct stat status;
  if (fstat(fd, &status) != 0) return Style::kPlain;
  const std::string actual = absl::StrCat(status.st_dev, ":", status.st_ino);
  return actual == journal_stream ? Style::kJournal : Style::kPlain;
}

}  // namespace parley::base::logging
