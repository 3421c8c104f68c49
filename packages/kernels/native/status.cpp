#include "status.h"

#include <string>

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

Napi::Error WithCode(Napi::Env env, const char* code, const std::string& message) {
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
  WithCode(env, "disposed", std::string(what) + " has been disposed").ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace kvasir_node
