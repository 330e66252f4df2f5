#ifndef DAEMON_WIRE_FIELD_READER_H_
#define DAEMON_WIRE_FIELD_READER_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/base/time.h"
#include "daemon/model/ids.h"
#include "nlohmann/json.hpp"

namespace parley::wire {

// The largest whole number that is exact in JavaScript.
inline constexpr uint64_t kMaxExactNumber = (1ull << 53) - 1;

// Reads the members of a foreign JSON object. A member that is null counts as
// absent. The first thing that is wrong is kept in `*problem`, in words for a
// person that quote nothing of the content; after it every reader that shares
// the problem returns empty values, so that a decoder checks once, at its end.
//
// A value object for one decoding; what it is given must outlive it.
class FieldReader {
 public:
  // Alternative names of one member; the first present one counts.
  using Names = std::initializer_list<const char*>;

  // `path` is put before the names in a problem: "attachments[2]." or "".
  FieldReader(std::string path, const nlohmann::json& object,
              std::string* problem);

  // A reader that looks into `preferred` before this one's objects.
  FieldReader Preferring(const nlohmann::json& preferred) const;

  // A reader of the same objects that keeps its problems to itself: for what
  // may make no sense without taking the rest with it.
  FieldReader Tolerant(std::string* problem) const;

  // Null if absent.
  const nlohmann::json* Find(Names names) const;

  // UTF-8 of at most `max_bytes`; empty if absent.
  std::string Text(Names names, size_t max_bytes);
  // The same without NUL.
  std::string Name(Names names, size_t max_bytes);
  // A whole number from 0 to `max`; 0 if absent.
  uint64_t Number(Names names, uint64_t max = kMaxExactNumber);
  // False if absent.
  bool Flag(Names names);
  // ISO 8601 with a time zone, or milliseconds since the epoch.
  std::optional<base::WallTime> Time(Names names);
  // Null if absent, else an array of at most `max_entries`.
  const nlohmann::json* List(Names names, size_t max_entries);
  // Null if absent, else an object.
  const nlohmann::json* Object(Names names);

  // Checks a string that is no member of its own, such as one of a list.
  std::string TextOf(absl::string_view what, const nlohmann::json& value,
                     size_t max_bytes, bool allow_nul);

  void Fail(absl::string_view what, absl::string_view problem);
  bool ok() const { return problem_->empty(); }
  std::string* problem() const { return problem_; }
  const std::string& path() const { return path_; }

 private:
  struct Found {
    const char* name;
    const nlohmann::json* value;  // null if absent
  };
  Found Look(Names names) const;

  std::string path_;
  std::vector<const nlohmann::json*> objects_;
  std::string* problem_;
};

// What most payloads have, under every name that servers give it.
model::RoomId ReadRoom(FieldReader* reader);          // fails if absent
model::UserId ReadUser(FieldReader* reader);          // empty if absent
model::MessageId ReadMessageId(FieldReader* reader);  // empty if absent

}  // namespace parley::wire

#endif  // DAEMON_WIRE_FIELD_READER_H_
