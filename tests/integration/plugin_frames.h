#ifndef TESTS_INTEGRATION_PLUGIN_FRAMES_H_
#define TESTS_INTEGRATION_PLUGIN_FRAMES_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace parley::integration {

// A frame that the reference server recorded, in the order of its handling.
struct RecordedFrame {
  absl::Time time;
  std::string connection;
  bool from_client = false;
  std::string frame;
};

// The file of `run --record-frames`. A line that is none is left out, except
// that a binary frame is an empty one.
std::vector<RecordedFrame> ReadFrames(const std::string& path);

// What clients must not do to a server of the plugin dialect, in words for a
// person, one entry each time:
//  - send a frame that its process dies of;
//  - send an event before `connected`, or after a refusal;
//  - have two messages of a room on their way at once on a connection;
//  - send heartbeats of their own, or a second CONNECT.
std::vector<std::string> FindOffences(const std::vector<RecordedFrame>& frames);

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_PLUGIN_FRAMES_H_
