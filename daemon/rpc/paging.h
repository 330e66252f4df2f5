#ifndef DAEMON_RPC_PAGING_H_
#define DAEMON_RPC_PAGING_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What all lists have in common.
namespace parley::rpc {

// How many items a page has at most, for what the request said: 0 is the
// default, and more than the maximum is the maximum. INVALID_ARGUMENT when it
// is negative.
absl::StatusOr<size_t> PageSize(int32_t page_size);

// A page token holds a cursor, and the list that it is of: its method and its
// filters. It is opaque to clients, and cannot be read for another list.
std::string EncodePageToken(absl::string_view list, absl::string_view cursor);

// INVALID_ARGUMENT unless the token was made for this list.
absl::StatusOr<std::string> DecodePageToken(absl::string_view list,
                                            absl::string_view token);

}  // namespace parley::rpc

#endif  // DAEMON_RPC_PAGING_H_
