#ifndef CLIENTS_CPP_TESTING_TEMP_DIR_H_
#define CLIENTS_CPP_TESTING_TEMP_DIR_H_

#include <string>

namespace parley::client {

// A folder of its own, gone with the object. It is below /tmp, because the
// path of a socket may have 107 bytes and Bazel's folder for tests takes more.
class TempDir {
 public:
  // Ends the process when it cannot be made.
  TempDir();
  ~TempDir();

  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace parley::client

#endif  // CLIENTS_CPP_TESTING_TEMP_DIR_H_
