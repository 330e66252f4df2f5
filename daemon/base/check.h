#ifndef DAEMON_BASE_CHECK_H_
#define DAEMON_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

// Aborts when one of our own invariants is broken. Input from the server, the
// disk, a client or the configuration must never reach a PARLEY_CHECK: those
// are errors to report, not bugs. Never compiled out.
#define PARLEY_CHECK(condition)                                         \
  do {                                                                  \
    if (!(condition)) {                                                 \
      ::std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, \
                     __LINE__, #condition);                             \
      ::std::abort();                                                   \
    }                                                                   \
  } while (false)

#endif  // DAEMON_BASE_CHECK_H_
