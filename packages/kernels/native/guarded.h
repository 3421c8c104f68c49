// What becomes of an allocation that failed in a call from JavaScript: an error of that call.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <exception>
#include <new>

#include "status.h"

namespace kvasir_node {

// Calls f; where it throws, leaves an exception pending and returns undefined.
template <class Function>
Napi::Value Guard(Napi::Env env, const Function& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return ThrowStatus(env, {KVS_OUT_OF_MEMORY, "out of memory"});
  } catch (const std::exception&) {
    return ThrowInternal(env, "the native binding failed");
  }
}

// A function of the addon as Node calls it: nothing is thrown past it. Reading the arguments may take memory, too.
template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
napi_value Guarded(napi_env env, napi_callback_info info) {
  return Guard(env, [&] { return Function(Napi::CallbackInfo(env, info)); });
}

}  // namespace kvasir_node
