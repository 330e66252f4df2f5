#include "daemon/storage/testing/store_harness.h"
#include "daemon/storage/testing/suites.h"

namespace parley::storage {

PARLEY_INSTANTIATE_STORE_SUITES(MemoryEngine());

}  // namespace parley::storage
