#include "daemon/storage/rocksdb/store_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "daemon/base/check.h"

namespace parley::storage {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  PARLEY_CHECK(file.is_open());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, const std::string& contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  PARLEY_CHECK(file.good());
}

std::vector<std::string> FilesLike(const std::string& directory,
                                   const std::string& prefix,
                                   const std::string& suffix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (absl::StartsWith(name, prefix) && absl::EndsWith(name, suffix)) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string LastLog(const std::string& directory) {
  const std::vector<std::string> logs = FilesLike(directory, "0", ".log");
  PARLEY_CHECK(!logs.empty());
  return directory + "/" + logs.back();
}

std::map<std::string, std::string> AllFiles(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || absl::StartsWith(name, "LOG") ||
        name == "LOCK") {
      continue;
    }
    files[entry.path().string()] = ReadFile(entry.path().string());
  }
  return files;
}

}  // namespace parley::storage
