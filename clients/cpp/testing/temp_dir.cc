#include "clients/cpp/testing/temp_dir.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace parley::client {

TempDir::TempDir() : path_("/tmp/parley.XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) {
    std::perror("cannot make a folder below /tmp");
    std::abort();
  }
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace parley::client
