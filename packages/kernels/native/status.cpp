#include "status.h"

#include <stdio.h>

namespace kvasir_node {
namespace {

const char* Word(kvs_code code) {
  switch (code) {
    case KVS_INVALID_ARGUMENT:
      return "invalid-argument";
    case KVS_OUT_OF_MEMORY:
      return "out-of-memory";
    case KVS_UNSUPPORTED:
      return "unsupported";
    case KVS_IO:
      return "io";
    case KVS_OK:
    case KVS_INTERNAL:
      break;
  }
  return "internal";
}

// Takes no memory but of JavaScript: it tells of allocations that failed.
Napi::Error WithCode(Napi::Env env, const char* code, const char* message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

}  // namespace

Napi::Error ErrorOf(Napi::Env env, const kvs_status& status) {
  return WithCode(env, Word(status.code), status.message);
}

Napi::Value ThrowStatus(Napi::Env env, const kvs_status& status) {
  ErrorOf(env, status).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value ThrowInternal(Napi::Env env, const char* message) {
  WithCode(env, "internal", message).ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value ThrowDisposed(Napi::Env env, const char* what) {
  char message[128];
  snprintf(message, sizeof message, "%s has been disposed", what);
  WithCode(env, "disposed", message).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace kvasir_node
