#ifndef TESTS_INTEGRATION_HARNESS_PORT_H_
#define TESTS_INTEGRATION_HARNESS_PORT_H_

namespace parley::integration {

// A TCP port of 127.0.0.1 that stays ours, whoever of us listens on it, and
// refuses connections while nobody does. A process may listen on it if it sets
// SO_REUSEADDR, as Node does.
class Port {
 public:
  // Ends the process when there is none.
  Port();
  ~Port();

  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  int number() const { return number_; }

 private:
  int fd_;
  int number_ = 0;
};

}  // namespace parley::integration

#endif  // TESTS_INTEGRATION_HARNESS_PORT_H_
