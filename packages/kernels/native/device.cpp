#include "device.h"

#include <string>
#include <utility>

#include "arguments.h"
#include "status.h"

namespace kvasir_node {

bool Device::Attach(Napi::Env env) {
  auto context = std::make_unique<std::shared_ptr<Device>>(shared_from_this());
  if (napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "kvasir device"), 0, 1,
                                      context.get(), Released, context.get(), Deliver, &results_) != napi_ok) {
    return false;
  }
  context.release();
  // An idle device does not keep the process alive.
  napi_unref_threadsafe_function(env, results_);
  // Hooks run last in, first out: this one comes before the thread-safe function's own.
  if (napi_add_env_cleanup_hook(env, EnvironmentEnds, this) != napi_ok) {
    napi_release_threadsafe_function(results_, napi_tsfn_abort);
    return false;
  }
  return true;
}

void Device::Close(Napi::Env env) {
  if (closed_) return;
  closed_ = true;
  if (pending_ == 0) Stop(env);
}

void Device::Stop(napi_env env) {
  if (device_ == nullptr) return;
  napi_remove_env_cleanup_hook(env, EnvironmentEnds, this);
  device_ = nullptr;
  napi_release_threadsafe_function(results_, napi_tsfn_release);
}

// Waits for work under way, because it writes to memory of the environment. Its jobs are handed to
// Deliver without an environment when the thread-safe function goes.
void Device::EnvironmentEnds(void* self) {
  Device* device = static_cast<Device*>(self);
  device->closed_ = true;
  device->device_ = nullptr;
}

void Device::Begin(napi_env env) {
  if (pending_++ == 0) napi_ref_threadsafe_function(env, results_);
}

void Device::End(napi_env env) {
  if (--pending_ > 0) return;
  napi_unref_threadsafe_function(env, results_);
  AdjustMemory(env, 0);
  if (closed_) Stop(env);
}

void Device::AdjustMemory(napi_env env, int64_t bytes) {
  untold_bytes_ += bytes;
  if (pending_ > 0 || untold_bytes_ == 0) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, std::exchange(untold_bytes_, 0));
}

Napi::Value Device::Submit(Napi::Env env, std::unique_ptr<Job> job, const Call& call) {
  Begin(env);
  const kvs_status status = call(Job::Done, job.get());
  if (status.code != KVS_OK) {
    End(env);
    return ThrowStatus(env, status);
  }
  return job.release()->Promise(env);
}

void Device::Post(Job* job) {
  if (napi_call_threadsafe_function(results_, job, napi_tsfn_nonblocking) != napi_ok) {
    // Only when the environment is already going; the job is left behind with it.
    job->Abandon();
  }
}

void Device::Deliver(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (env == nullptr) {
    job->Abandon();
    return;
  }
  job->Settle(env);
  (*static_cast<std::shared_ptr<Device>*>(context))->End(env);
}

void Device::Released(napi_env, void* context, void*) { delete static_cast<std::shared_ptr<Device>*>(context); }

Napi::Value OpenDevice(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader(env);
  const int32_t threads = reader.Int(info[1]);
  reader.Expect(info[0].IsString() || info[0].IsUndefined());
  if (reader.failed()) return reader.Throw();
  const std::string level = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();

  kvs_device* opened = nullptr;
  const kvs_status status = kvs_device_open(level.empty() ? nullptr : level.c_str(), threads, &opened);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  auto device = std::make_shared<Device>(OwnedDevice(opened));
  if (!device->Attach(env)) {
    return ThrowInternal(env, "the thread-safe function of the device could not be made");
  }
  return WrapHandle(env, device);
}

Napi::Value DeviceLevel(const Napi::CallbackInfo& info) {
  const auto device = Unwrap<Device>(info[0]);
  if (device == nullptr) return info.Env().Undefined();
  if (device->get() == nullptr) return ThrowDisposed(info.Env(), "the device");
  return Napi::String::New(info.Env(), kvs_device_level(device->get()));
}

}  // namespace kvasir_node
