#include "job.h"

#include "device.h"
#include "guarded.h"
#include "status.h"

namespace kvasir_node {

Napi::Value Job::Promise(Napi::Env env) {
  napi_value promise = nullptr;
  // Only an environment that is going refuses; nobody waits for the promise then.
  if (napi_create_promise(env, &deferred_, &promise) != napi_ok) return env.Undefined();
  return Napi::Value(env, promise);
}

void Job::Keep(const Napi::Value& array) { kept_.push_back(Napi::Persistent(array.As<Napi::Object>())); }

void Job::Done(void* user, const kvs_status* status) {
  Job* job = static_cast<Job*>(user);
  job->status_ = *status;
  job->device_->Post(job);
}

void Job::Settle(Napi::Env env) {
  if (deferred_ == nullptr) return;
  if (status_.code != KVS_OK) {
    napi_reject_deferred(env, deferred_, ErrorOf(env, status_).Value());
    return;
  }
  const Napi::Value result = Guard(env, [&] { return Result(env); });
  if (env.IsExceptionPending()) {
    napi_reject_deferred(env, deferred_, env.GetAndClearPendingException().Value());
  } else {
    napi_resolve_deferred(env, deferred_, result);
  }
}

void Job::Abandon() {
  for (Napi::ObjectReference& reference : kept_) reference.SuppressDestruct();
}

}  // namespace kvasir_node
