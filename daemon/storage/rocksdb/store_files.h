#ifndef DAEMON_STORAGE_ROCKSDB_STORE_FILES_H_
#define DAEMON_STORAGE_ROCKSDB_STORE_FILES_H_

#include <map>
#include <string>
#include <vector>

// The files of a store, for tests that damage them.
namespace parley::storage {

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& contents);

// The names of the files in `directory` whose name starts or ends so, sorted.
std::vector<std::string> FilesLike(const std::string& directory,
                                   const std::string& prefix,
                                   const std::string& suffix);
// The log file that holds the last writes.
std::string LastLog(const std::string& directory);

// All files below `directory` with their contents, without RocksDB's own log
// and lock.
std::map<std::string, std::string> AllFiles(const std::string& directory);

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_ROCKSDB_STORE_FILES_H_
