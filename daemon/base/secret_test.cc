#include "daemon/base/secret.h"

#include <cstdlib>
#include <new>
#include <sstream>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace {

constexpr char kToken[] = "canary-5f1c0b";

// While set, memory that is given back is searched for the token first.
bool watching = false;
int leaks = 0;

void Inspect(const void* memory, size_t size) {
  if (!watching || memory == nullptr) return;
  const absl::string_view bytes(static_cast<const char*>(memory), size);
  if (bytes.find(kToken) != absl::string_view::npos) ++leaks;
}

// The size stands in front of each block, since delete is not always told it.
constexpr size_t kHeader = alignof(std::max_align_t);

}  // namespace

void* operator new(size_t size) {
  char* block = static_cast<char*>(std::malloc(size + kHeader));
  if (block == nullptr) std::abort();
  *reinterpret_cast<size_t*>(block) = size;
  return block + kHeader;
}
void* operator new[](size_t size) { return ::operator new(size); }
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  char* block = static_cast<char*>(memory) - kHeader;
  Inspect(memory, *reinterpret_cast<size_t*>(block));
  std::free(block);
}
void operator delete[](void* memory) noexcept { ::operator delete(memory); }
void operator delete(void* memory, size_t) noexcept {
  ::operator delete(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  ::operator delete(memory);
}

namespace parley::base {
namespace {

TEST(Secret, NeverPrintsItself) {
  std::ostringstream stream;
  stream << Secret(kToken) << Secret();
  EXPECT_EQ(stream.str(), "[redacted][redacted]");
}

TEST(Secret, RevealsItselfWhenAsked) {
  const Secret secret(kToken);
  EXPECT_EQ(secret.Reveal(), kToken);
  EXPECT_FALSE(secret.empty());
  EXPECT_EQ(Secret().Reveal(), "");
  EXPECT_TRUE(Secret("").empty());
}

TEST(Secret, CopiesMovesAndCompares) {
  Secret first(kToken);
  const Secret copy = first;
  EXPECT_EQ(copy, first);
  const Secret moved = std::move(first);
  EXPECT_EQ(moved, copy);
  EXPECT_NE(moved, Secret("canary-5f1c0c"));
  EXPECT_NE(moved, Secret("canary"));
  Secret assigned("other");
  assigned = copy;
  EXPECT_EQ(assigned.Reveal(), kToken);
  EXPECT_EQ(copy.Reveal(), kToken);
  EXPECT_EQ(Secret(), Secret(""));
}

TEST(Secret, IsOverwrittenBeforeItsMemoryIsGivenBack) {
  leaks = 0;
  watching = true;
  {
    Secret first(kToken);
    Secret copy = first;
    Secret moved = std::move(first);
    copy = Secret("something else");
    moved = copy;
  }
  watching = false;
  EXPECT_EQ(leaks, 0);
}

TEST(Secret, TheTestSeesAnOrdinaryStringLeak) {
  leaks = 0;
  watching = true;
  { const std::string plain = std::string(64, 'x') + kToken; }
  watching = false;
  EXPECT_GE(leaks, 1);
}

}  // namespace
}  // namespace parley::base
