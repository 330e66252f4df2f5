#ifndef CLIENTS_CLI_NEAREST_H_
#define CLIENTS_CLI_NEAREST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace parley::cli {

// The candidate that `word` was most likely meant to be; none if no candidate
// is close to it.
std::optional<std::string> Nearest(absl::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace parley::cli

#endif  // CLIENTS_CLI_NEAREST_H_
