#include "tensor.h"

#include <memory>
#include <string>

#include "arguments.h"
#include "status.h"

namespace kvasir_node {

void File::Close(Napi::Env) {
  if (file_ == nullptr) return;
  kvs_file_close(file_);
  file_ = nullptr;
}

Tensor::Tensor(Napi::Env env, kvs_tensor* tensor, int64_t copied)
    : Handle(kKind), tensor_(tensor), copied_(copied) {
  if (copied > 0) Napi::MemoryManagement::AdjustExternalMemory(env, copied);
}

void Tensor::Close(Napi::Env env) {
  if (tensor_ == nullptr) return;
  kvs_tensor_close(tensor_);
  tensor_ = nullptr;
  if (copied_ > 0) Napi::MemoryManagement::AdjustExternalMemory(env, -copied_);
}

Napi::Value MapFile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader(env);
  reader.Expect(info[0].IsString());
  if (reader.failed()) return reader.Throw();
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  kvs_file* mapped = nullptr;
  uint64_t size = 0;
  const kvs_status status = kvs_file_map(path.c_str(), &mapped, &size);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  Napi::Object result = Napi::Object::New(env);
  result.Set("file", WrapHandle(env, std::make_shared<File>(mapped)));
  result.Set("size", Napi::Number::New(env, static_cast<double>(size)));
  return result;
}

Napi::Value ViewTensor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto file = Unwrap<File>(info[0]);
  if (file == nullptr) return env.Undefined();
  Reader reader(env);
  const int32_t dtype = reader.Int(info[1]);
  const View<int64_t> shape = reader.Array<int64_t>(info[2]);
  const double offset = reader.Double(info[3]);
  reader.Expect(offset >= 0);
  if (reader.failed()) return reader.Throw();
  if (file->get() == nullptr) return ThrowDisposed(env, "the file");
  kvs_tensor* tensor = nullptr;
  const kvs_status status =
      kvs_tensor_view(file->get(), static_cast<kvs_dtype>(dtype), static_cast<int32_t>(shape.size), shape.data,
                      static_cast<uint64_t>(offset), &tensor);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  return WrapHandle(env, std::make_shared<Tensor>(env, tensor, 0));
}

Napi::Value CopyTensor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader(env);
  const int32_t dtype = reader.Int(info[0]);
  const View<int64_t> shape = reader.Array<int64_t>(info[1]);
  reader.Expect(info[2].IsTypedArray());
  if (reader.failed()) return reader.Throw();
  const Napi::TypedArray data = info[2].As<Napi::TypedArray>();
  void* bytes = nullptr;
  if (napi_get_typedarray_info(env, data, nullptr, nullptr, &bytes, nullptr, nullptr) != napi_ok) {
    return reader.Throw();
  }
  kvs_tensor* tensor = nullptr;
  const kvs_status status = kvs_tensor_copy(static_cast<kvs_dtype>(dtype), static_cast<int32_t>(shape.size),
                                            shape.data, bytes, data.ByteLength(), &tensor);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  return WrapHandle(env, std::make_shared<Tensor>(env, tensor, static_cast<int64_t>(data.ByteLength())));
}

}  // namespace kvasir_node
