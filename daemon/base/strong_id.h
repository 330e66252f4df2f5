#ifndef DAEMON_BASE_STRONG_ID_H_
#define DAEMON_BASE_STRONG_ID_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace parley::base {

// A string that can only be what its tag says: a RoomId is never taken for a
// UserId. Ordered and equality-comparable, so that it can key a std::map.
// The empty string means "none".
template <typename Tag>
class StrongString {
 public:
  StrongString() = default;
  explicit StrongString(std::string value) : value_(std::move(value)) {}
  explicit StrongString(absl::string_view value) : value_(value) {}
  explicit StrongString(const char* value) : value_(value) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }

  friend bool operator==(const StrongString& a, const StrongString& b) {
    return a.value_ == b.value_;
  }
  friend bool operator!=(const StrongString& a, const StrongString& b) {
    return !(a == b);
  }
  friend bool operator<(const StrongString& a, const StrongString& b) {
    return a.value_ < b.value_;
  }

 private:
  std::string value_;
};

// A counter or handle that can only be what its tag says. 0 means "none".
template <typename Tag>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(uint64_t value) : value_(value) {}

  constexpr uint64_t value() const { return value_; }
  constexpr StrongInt Next() const { return StrongInt(value_ + 1); }

  friend constexpr bool operator==(StrongInt a, StrongInt b) {
    return a.value_ == b.value_;
  }
  friend constexpr bool operator!=(StrongInt a, StrongInt b) {
    return a.value_ != b.value_;
  }
  friend constexpr bool operator<(StrongInt a, StrongInt b) {
    return a.value_ < b.value_;
  }
  friend constexpr bool operator<=(StrongInt a, StrongInt b) {
    return a.value_ <= b.value_;
  }
  friend constexpr bool operator>(StrongInt a, StrongInt b) { return b < a; }
  friend constexpr bool operator>=(StrongInt a, StrongInt b) { return b <= a; }

 private:
  uint64_t value_ = 0;
};

}  // namespace parley::base

#endif  // DAEMON_BASE_STRONG_ID_H_
