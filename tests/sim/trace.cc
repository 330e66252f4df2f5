#include "tests/sim/trace.h"

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace parley::sim {
namespace {

constexpr size_t kLastLines = 120;

}  // namespace

void Trace::Append(const std::string& text) {
  const int64_t us =
      absl::ToInt64Microseconds(scheduler_->now().since_origin());
  std::string line = absl::StrCat(us, " ", text);
  for (const char c : line) {
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  ++lines_;
  kept_.push_back(std::move(line));
  if (keep_ == Keep::kLastLines && kept_.size() > kLastLines) {
    kept_.pop_front();
  }
}

std::string Trace::Text() const {
  std::string text;
  for (const std::string& line : kept_) absl::StrAppend(&text, line, "\n");
  return text;
}

void Probes::Add(const Probes& other) {
  for (const auto& [name, count] : other.counts_) counts_[name] += count;
}

}  // namespace parley::sim
