#ifndef DAEMON_APP_NEAREST_H_
#define DAEMON_APP_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace parley::app {

// The candidate that `name` was most likely meant to be. Dotted names are also
// compared by their last part alone, for a key that stands in the wrong table.
// There must be candidates.
std::string Nearest(absl::string_view name,
                    const std::vector<std::string>& candidates);

}  // namespace parley::app

#endif  // DAEMON_APP_NEAREST_H_
