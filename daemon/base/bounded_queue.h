#ifndef DAEMON_BASE_BOUNDED_QUEUE_H_
#define DAEMON_BASE_BOUNDED_QUEUE_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "daemon/base/check.h"

namespace parley::base {

// A FIFO with a limit. The owner decides what a refused push means; nothing is
// ever dropped silently. Not thread-safe: its owner locks.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // False, and `item` untouched, when the queue is full.
  bool TryPush(T&& item) {
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    return true;
  }
  bool empty() const { return items_.empty(); }
  bool full() const { return items_.size() >= capacity_; }
  size_t size() const { return items_.size(); }
  size_t capacity() const { return capacity_; }

  // The oldest item; there must be one.
  T& front() {
    PARLEY_CHECK(!items_.empty());
    return items_.front();
  }
  T Pop() {
    PARLEY_CHECK(!items_.empty());
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }
  std::deque<T> TakeAll() { return std::exchange(items_, {}); }

 private:
  const size_t capacity_;
  std::deque<T> items_;
};

}  // namespace parley::base

#endif  // DAEMON_BASE_BOUNDED_QUEUE_H_
