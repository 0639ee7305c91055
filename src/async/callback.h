// Callback: a function without arguments that is moved, never copied, so that it may own what it
// carries (C++23's std::move_only_function, which libstdc++ 12 lacks). One allocation, on creation.
// Any thread may make, move, call and destroy one; not two at a time.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace mettle {

class Callback {
 public:
  Callback() = default;
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback>)
  Callback(F&& f) : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(f))) {}

  explicit operator bool() const { return body_ != nullptr; }
  // REQUIRES: not empty.
  void operator()() { body_->call(); }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual void call() = 0;
  };
  template <class F>
  struct Body final : Callable {
    explicit Body(F f) : function(std::move(f)) {}
    void call() override { function(); }
    F function;
  };
  std::unique_ptr<Callable> body_;
};

}  // namespace mettle
