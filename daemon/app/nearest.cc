#include "daemon/app/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "daemon/base/check.h"

namespace parley::app {
namespace {

// Levenshtein's.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

absl::string_view LastPart(absl::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

}  // namespace

std::string Nearest(absl::string_view name,
                    const std::vector<std::string>& candidates) {
  PARLEY_CHECK(!candidates.empty());
  const auto cost = [name](const std::string& candidate) {
    // A word that was cut short is one mistake, however long its rest.
    if (!name.empty() && absl::StartsWith(candidate, name)) return size_t{1};
    return std::min(Distance(name, candidate),
                    Distance(LastPart(name), LastPart(candidate)) + 1);
  };
  return *std::min_element(candidates.begin(), candidates.end(),
                           [&cost](const std::string& a, const std::string& b) {
                             return std::make_pair(cost(a), a.size()) <
                                    std::make_pair(cost(b), b.size());
                           });
}

}  // namespace parley::app
