#ifndef TESTS_SPEC_SPEC_DISK_H_
#define TESTS_SPEC_SPEC_DISK_H_

#include <memory>

#include "daemon/storage/store.h"

namespace parley::spec {

// The disk of a spec script: a store that outlives the process on it.
class SpecDisk {
 public:
  virtual ~SpecDisk() = default;

  virtual storage::Store* store() = 0;
  // Only what survives a power cut; null where the disk cannot tell.
  virtual const storage::StoreReader* synced() const = 0;
  // The process is gone; what the system had taken from it is still there.
  virtual void Kill() = 0;
  // The same, and what was not synced is gone, too.
  virtual void CutPower() = 0;
};

std::unique_ptr<SpecDisk> MakeMemoryDisk();
// On real files, in a folder of its own that goes with it.
std::unique_ptr<SpecDisk> MakeRocksDbDisk();

}  // namespace parley::spec

#endif  // TESTS_SPEC_SPEC_DISK_H_
