#include "daemon/rpc/paging.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/model/errors.h"
#include "daemon/model/limits.h"

namespace parley::rpc {
namespace {

// The length makes the end of the list's name certain, whatever is in it.
std::string Prefix(absl::string_view list) {
  return absl::StrCat(list.size(), ":", list);
}

}  // namespace

absl::StatusOr<size_t> PageSize(int32_t page_size) {
  if (page_size < 0) return model::InvalidField("page_size", "is negative");
  if (page_size == 0) return model::kDefaultPageSize;
  return std::min(page_size, model::kMaxPageSize);
}

std::string EncodePageToken(absl::string_view list, absl::string_view cursor) {
  return absl::WebSafeBase64Escape(absl::StrCat(Prefix(list), cursor));
}

absl::StatusOr<std::string> DecodePageToken(absl::string_view list,
                                            absl::string_view token) {
  const std::string prefix = Prefix(list);
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text) ||
      !absl::StartsWith(text, prefix)) {
    return model::InvalidField(
        "page_token",
        "is none of this list's; give the next_page_token of the page before, "
        "with the same filters");
  }
  return text.substr(prefix.size());
}

}  // namespace parley::rpc
