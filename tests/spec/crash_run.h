#ifndef TESTS_SPEC_CRASH_RUN_H_
#define TESTS_SPEC_CRASH_RUN_H_

#include <string>

#include "tests/spec/spec_case.h"
#include "tests/spec/spec_device.h"

namespace parley::spec {

// Plays a case up to the crash point, ends the process there, by a kill or by a
// power cut, starts a new one on what is left of the disk, and lets a live
// server take over with the log that the script's server had. What the clients
// of the script had still to do they do now. In the end everything must have
// converged and every invariant held.
//
// Returns what was wrong, or nothing.
std::string RunWithCrash(const SpecCase& spec, const CrashPoint& point,
                         bool power_cut);

// How many commits and effects the case has, played to its end.
struct CrashPoints {
  int commits = 0;
  int effects = 0;
};
CrashPoints CountCrashPoints(const SpecCase& spec);

}  // namespace parley::spec

#endif  // TESTS_SPEC_CRASH_RUN_H_
