#include "daemon/base/secret.h"

#include <string.h>

#include <algorithm>
#include <utility>

namespace parley::base {

Secret::Secret(absl::string_view value)
    : bytes_(value.empty() ? nullptr : new char[value.size()]),
      size_(value.size()) {
  std::copy(value.begin(), value.end(), bytes_.get());
}

Secret::~Secret() {
  // Unlike memset before a free, this is never optimised away.
  if (size_ > 0) explicit_bzero(bytes_.get(), size_);
}

void Secret::Swap(Secret* other) noexcept {
  std::swap(bytes_, other->bytes_);
  std::swap(size_, other->size_);
}

bool operator==(const Secret& a, const Secret& b) {
  if (a.size_ != b.size_) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size_; ++i) {
    difference |= static_cast<unsigned char>(a.bytes_[i] ^ b.bytes_[i]);
  }
  return difference == 0;
}

}  // namespace parley::base
