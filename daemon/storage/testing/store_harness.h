#ifndef DAEMON_STORAGE_TESTING_STORE_HARNESS_H_
#define DAEMON_STORAGE_TESTING_STORE_HARNESS_H_

#include <functional>
#include <memory>
#include <string>

#include "daemon/storage/store.h"

namespace parley::storage {

// A store under test, on whatever engine.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;

  // The open store. Restart and PowerCut replace it.
  virtual Store* store() = 0;
  // The process ends and starts again; the machine stays up.
  virtual void Restart() = 0;
  // What was not synced is gone; then it starts again.
  virtual void PowerCut() = 0;
};

// A value of the parameterised suites in suites.h.
struct StoreEngine {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make;
};

StoreEngine MemoryEngine();

}  // namespace parley::storage

#endif  // DAEMON_STORAGE_TESTING_STORE_HARNESS_H_
