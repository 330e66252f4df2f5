#ifndef DAEMON_WIRE_RANDOM_CONTENT_H_
#define DAEMON_WIRE_RANDOM_CONTENT_H_

#include <cstddef>
#include <string>

#include "daemon/base/rng.h"
#include "daemon/model/message.h"

namespace parley::wire {

// Up to `max_bytes` of UTF-8, rich in characters that JSON escapes.
std::string RandomText(base::Rng* rng, size_t max_bytes, bool allow_nul);

// Content that passes ValidateContent: mostly small, at times at the limits.
model::MessageContent RandomContent(base::Rng* rng);

}  // namespace parley::wire

#endif  // DAEMON_WIRE_RANDOM_CONTENT_H_
