#ifndef DAEMON_STORAGE_TESTING_STATUS_TESTING_H_
#define DAEMON_STORAGE_TESTING_STATUS_TESTING_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

// Assertions on absl::Status and absl::StatusOr that print the status.
namespace parley::storage {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace parley::storage

#define PARLEY_CONCAT_INNER(a, b) a##b
#define PARLEY_CONCAT(a, b) PARLEY_CONCAT_INNER(a, b)

#define EXPECT_OK(expression) \
  EXPECT_EQ(::parley::storage::StatusOf(expression), absl::OkStatus())
#define ASSERT_OK(expression) \
  ASSERT_EQ(::parley::storage::StatusOf(expression), absl::OkStatus())

#define ASSERT_OK_AND_ASSIGN(lhs, expression) \
  PARLEY_ASSIGN_OR_FAIL(PARLEY_CONCAT(result_, __LINE__), lhs, expression)
// What is declared can stand in no parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define PARLEY_ASSIGN_OR_FAIL(result, lhs, expression) \
  auto result = expression;                            \
  ASSERT_OK(result);                                   \
  lhs = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // DAEMON_STORAGE_TESTING_STATUS_TESTING_H_
