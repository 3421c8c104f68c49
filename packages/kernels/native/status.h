// From kvs_status to JavaScript errors: an Error whose `code` is the word of KernelErrorCode.
#pragma once

#include <kvasir.h>
#include <napi.h>

namespace kvasir_node {

Napi::Error ErrorOf(Napi::Env env, const kvs_status& status);

// Leaves an exception pending and returns undefined.
Napi::Value ThrowStatus(Napi::Env env, const kvs_status& status);
// A fault of our own TypeScript layer: the binding was not given what its types promise.
Napi::Value ThrowInternal(Napi::Env env, const char* message);
Napi::Value ThrowDisposed(Napi::Env env, const char* what);

}  // namespace kvasir_node
