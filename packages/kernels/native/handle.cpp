#include "handle.h"

#include <utility>

#include "status.h"

namespace kvasir_node {
namespace {

constexpr napi_type_tag kTag = {0x6b7661736972c0deULL, 0x9d1f4a7e52b86c03ULL};

using Shared = std::shared_ptr<Handle>;

Shared* Find(const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  bool ours = false;
  if (napi_check_object_type_tag(value.Env(), value, &kTag, &ours) != napi_ok || !ours) return nullptr;
  void* data = nullptr;
  if (napi_unwrap(value.Env(), value, &data) != napi_ok) return nullptr;
  return static_cast<Shared*>(data);
}

struct ClosedUnlessTaken {
  ~ClosedUnlessTaken() {
    if (handle != nullptr) handle->Close(env);
  }
  const Napi::Env env;
  Shared handle;
};

void Finalize(napi_env env, void* data, void*) {
  const std::unique_ptr<Shared> handle(static_cast<Shared*>(data));
  (*handle)->Close(env);
}

}  // namespace

Napi::Value WrapHandle(Napi::Env env, Shared handle) {
  ClosedUnlessTaken guard{env, handle};
  Napi::Object object = Napi::Object::New(env);
  auto data = std::make_unique<Shared>(std::move(handle));
  if (napi_wrap(env, object, data.get(), Finalize, nullptr, nullptr) != napi_ok) {
    return ThrowInternal(env, "a handle could not be made");
  }
  guard.handle = nullptr;
  data.release();
  if (napi_type_tag_object(env, object, &kTag) != napi_ok) {
    return ThrowInternal(env, "a handle could not be tagged");
  }
  return object;
}

Shared UnwrapHandle(const Napi::Value& value, Kind kind) {
  Shared* found = Find(value);
  if (found == nullptr || (*found)->kind() != kind) {
    ThrowInternal(value.Env(), "the argument is not a handle of the kind expected");
    return nullptr;
  }
  return *found;
}

Napi::Value CloseHandle(const Napi::CallbackInfo& info) {
  Shared* found = Find(info[0]);
  if (found == nullptr) return ThrowInternal(info.Env(), "close expects a handle");
  (*found)->Close(info.Env());
  return info.Env().Undefined();
}

}  // namespace kvasir_node
