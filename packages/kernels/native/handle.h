// What JavaScript holds of the native library: opaque objects, closed by hand or by the collector.
#pragma once

#include <napi.h>

#include <memory>

namespace kvasir_node {

enum class Kind { kDevice, kFile, kTensor, kPages, kProgram, kQueries };

class Handle {
 public:
  explicit Handle(Kind kind) : kind_(kind) {}
  virtual ~Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Kind kind() const { return kind_; }
  // Gives back what is behind the handle; idempotent; only on the JavaScript thread.
  virtual void Close(Napi::Env env) = 0;

 private:
  const Kind kind_;
};

// A JavaScript object whose collection closes the handle, if nobody did before. Closes it where none can be made.
Napi::Value WrapHandle(Napi::Env env, std::shared_ptr<Handle> handle);

// Null, with a JavaScript exception pending, where `value` is no handle of this kind.
std::shared_ptr<Handle> UnwrapHandle(const Napi::Value& value, Kind kind);

template <class T>
std::shared_ptr<T> Unwrap(const Napi::Value& value) {
  return std::static_pointer_cast<T>(UnwrapHandle(value, T::kKind));
}

// close(handle): any kind.
Napi::Value CloseHandle(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
