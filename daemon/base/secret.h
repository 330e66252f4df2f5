#ifndef DAEMON_BASE_SECRET_H_
#define DAEMON_BASE_SECRET_H_

#include <cstddef>
#include <memory>
#include <ostream>

#include "absl/strings/string_view.h"

namespace parley::base {

// A token or key. It prints as "[redacted]", its bytes are overwritten before
// their memory is given back, and reading them takes a call that stands out in
// a review. Whoever builds a longer string out of one has made a copy that is
// beyond this class.
//
// Not a std::string: a short one lives inside the object, where a move leaves
// the bytes behind.
class Secret {
 public:
  Secret() = default;
  explicit Secret(absl::string_view value);
  Secret(const Secret& other) : Secret(other.Reveal()) {}
  Secret(Secret&& other) noexcept { Swap(&other); }
  Secret& operator=(Secret other) noexcept {
    Swap(&other);
    return *this;
  }
  ~Secret();

  absl::string_view Reveal() const { return {bytes_.get(), size_}; }
  bool empty() const { return size_ == 0; }

  // Takes as long for any two values of one length: the time says nothing of
  // where they differ.
  friend bool operator==(const Secret& a, const Secret& b);
  friend bool operator!=(const Secret& a, const Secret& b) { return !(a == b); }

  friend std::ostream& operator<<(std::ostream& stream, const Secret&) {
    return stream << kRedacted;
  }

  static constexpr char kRedacted[] = "[redacted]";

 private:
  void Swap(Secret* other) noexcept;

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

}  // namespace parley::base

#endif  // DAEMON_BASE_SECRET_H_
