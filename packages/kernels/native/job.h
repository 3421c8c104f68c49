// One submitted call: its input, copied, and the arrays that its results are written to.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <memory>
#include <utility>
#include <vector>

namespace kvasir_node {

class Device;

class Job {
 public:
  explicit Job(std::shared_ptr<Device> device) : device_(std::move(device)) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Makes the promise; once, when the device has taken the job.
  Napi::Value Promise(Napi::Env env);

  // Keeps an array alive until the end: the device writes straight into it or reads from it, and JavaScript
  // leaves it alone until the promise has settled.
  void Keep(const Napi::Value& array);

  // The kvs_callback of every job; runs on the device's thread.
  static void Done(void* user, const kvs_status* status);
  // Settles the promise; on the JavaScript thread.
  void Settle(Napi::Env env);
  // The environment is going: nothing of JavaScript may be touched any more.
  void Abandon();

 protected:
  const std::shared_ptr<Device>& device() const { return device_; }
  // What the promise of a job that went well resolves to. May leave an exception pending: it rejects then.
  virtual Napi::Value Result(Napi::Env env) { return env.Undefined(); }

 private:
  const std::shared_ptr<Device> device_;
  napi_deferred deferred_ = nullptr;
  std::vector<Napi::ObjectReference> kept_;
  kvs_status status_ = {KVS_OK, {0}};
};

}  // namespace kvasir_node
