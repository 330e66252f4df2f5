#ifndef DAEMON_STORAGE_CRC32C_H_
#define DAEMON_STORAGE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace parley::storage {

// CRC-32C (Castagnoli) of `data`, continued from `crc`, the checksum of what
// stands before it (0: nothing).
uint32_t Crc32c(absl::string_view data, uint32_t crc = 0);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_CRC32C_H_
