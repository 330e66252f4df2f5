#ifndef DAEMON_RPC_COMPLETION_H_
#define DAEMON_RPC_COMPLETION_H_

namespace parley::rpc {

// What a completion queue's tag points to. Everything that happens at the gRPC
// edge happens in one of these, on the one thread that reads the queue.
class Completion {
 public:
  // `ok` is false when the operation did not happen, mostly because the call
  // or the server is gone. May delete the object.
  virtual void OnComplete(bool ok) = 0;

 protected:
  ~Completion() = default;
};

// A tag whose completion is a method of its owner, for owners that have several
// operations on their way at once.
template <typename Owner, void (Owner::*kMethod)(bool)>
class MethodTag final : public Completion {
 public:
  explicit MethodTag(Owner* owner) : owner_(owner) {}
  void OnComplete(bool ok) override { (owner_->*kMethod)(ok); }

  // gRPC keeps tags as void pointers, and must get back what it was given.
  void* tag() { return static_cast<Completion*>(this); }

 private:
  Owner* const owner_;
};

}  // namespace parley::rpc

#endif  // DAEMON_RPC_COMPLETION_H_
