// parleyd on a disk that is slow when it is told to be. In $HOME, which a test
// gives to each daemon:
//
//   sync-takes-ms   while it is there, a sync takes as long as it says
//   syncing         is there while such a sync is on its way

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/app/daemon.h"
#include "daemon/app/production.h"
#include "daemon/storage/rocksdb/fault_file_system.h"
#include "rocksdb/file_system.h"

namespace {

using parley::storage::FaultFileSystem;

class SlowSync {
 public:
  explicit SlowSync(const std::string& folder)
      : time_path_(folder + "/sync-takes-ms"),
        mark_path_(folder + "/syncing") {}

  rocksdb::IOStatus operator()(FaultFileSystem::Operation operation,
                               const std::string& path) const {
    int milliseconds = 0;
    if (operation == FaultFileSystem::Operation::kSync &&
        std::ifstream(time_path_) >> milliseconds) {
      const std::ofstream mark(mark_path_);
      absl::SleepFor(absl::Milliseconds(milliseconds));
      std::filesystem::remove(mark_path_);
    }
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::string time_path_;
  const std::string mark_path_;
};

}  // namespace

int main(int argc, char** argv) {
  const char* const home_or_null = std::getenv("HOME");
  if (home_or_null == nullptr) {
    std::cerr << "slow_disk_parleyd: HOME is not set\n";
    return 2;
  }
  const std::string home = home_or_null;
  std::filesystem::create_directory(home + "/trash");
  const auto disk = std::make_shared<FaultFileSystem>(
      rocksdb::FileSystem::Default(), home + "/trash");
  disk->SetHook(SlowSync(home));
  return parley::app::DaemonMain(argc, argv,
                                 parley::app::ProductionDependencies(disk));
}
