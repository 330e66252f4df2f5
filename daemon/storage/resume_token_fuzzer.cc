#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "daemon/base/check.h"
#include "daemon/storage/memory_store.h"
#include "daemon/storage/queries.h"

// Any text is a token that is written the same way, or INVALID_ARGUMENT. Any
// page token of the outbox is one, or INVALID_ARGUMENT.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = parley::storage::DecodeResumeToken(text);
  if (token.ok()) {
    PARLEY_CHECK(parley::storage::EncodeResumeToken(*token) == text);
  } else {
    PARLEY_CHECK(token.status().code() == absl::StatusCode::kInvalidArgument);
  }
  const parley::storage::MemoryStore empty;
  const auto page = parley::storage::ListOutbox(empty, {}, text, 10);
  PARLEY_CHECK(page.ok() ||
               page.status().code() == absl::StatusCode::kInvalidArgument);
  return 0;
}
