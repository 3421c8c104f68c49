// A device and the way of its results back to the JavaScript thread.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "handle.h"
#include "job.h"
#include "owned.h"

namespace kvasir_node {

class Device : public Handle, public std::enable_shared_from_this<Device> {
 public:
  static constexpr Kind kKind = Kind::kDevice;

  explicit Device(OwnedDevice device) : Handle(kKind), device_(std::move(device)) {}

  // Makes the thread-safe function and the clean-up hook. Where it does not, nothing is left behind but the device.
  bool Attach(Napi::Env env);

  // Null once closed.
  kvs_device* get() const { return closed_ ? nullptr : device_.get(); }

  // No new work from now on; what was submitted still settles, and only then do the threads stop, so
  // that closing never blocks the event loop.
  void Close(Napi::Env env) override;

  using Call = std::function<kvs_status(kvs_callback callback, void* user)>;
  // Submits `job` by `call` and returns its promise; throws when the call is refused.
  Napi::Value Submit(Napi::Env env, std::unique_ptr<Job> job, const Call& call);

  // From the device's thread.
  void Post(Job* job);

  // Tells V8 of memory that a job took, or that is given back. V8 collects garbage for every 64 MB more that it
  // hears of, so that of a model's weights, packed one after the other, it hears when the device has nothing to do.
  void AdjustMemory(napi_env env, int64_t bytes);

 private:
  static void Deliver(napi_env env, napi_value, void* context, void* data);
  static void Released(napi_env env, void* context, void*);
  static void EnvironmentEnds(void* self);

  void Begin(napi_env env);
  void End(napi_env env);
  void Stop(napi_env env);

  OwnedDevice device_;
  napi_threadsafe_function results_ = nullptr;
  int64_t pending_ = 0;
  int64_t untold_bytes_ = 0;
  bool closed_ = false;
};

// openDevice(level | undefined, threads): handle
Napi::Value OpenDevice(const Napi::CallbackInfo& info);
// deviceLevel(device): string
Napi::Value DeviceLevel(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
