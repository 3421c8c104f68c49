#include "tensor.h"

#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "device.h"
#include "job.h"
#include "status.h"

namespace kvasir_node {
namespace {

// Owns the packed tensor until a handle takes it over, whether the work ends well, badly or not at all.
struct PackJob : Job {
  using Job::Job;
  ~PackJob() override { kvs_tensor_close(packed); }

  Napi::Value Result(Napi::Env env) override {
    const int64_t bytes = static_cast<int64_t>(kvs_tensor_bytes(packed));
    Napi::Object result = Napi::Object::New(env);
    auto tensor = std::make_shared<Tensor>(env, OwnedTensor(std::exchange(packed, nullptr)), bytes, device());
    result.Set("tensor", WrapHandle(env, std::move(tensor)));
    result.Set("bytes", Napi::Number::New(env, static_cast<double>(bytes)));
    return result;
  }

  kvs_tensor* packed = nullptr;
};

}  // namespace

void File::Close(Napi::Env) { file_ = nullptr; }

Tensor::Tensor(Napi::Env env, OwnedTensor tensor, int64_t owned, std::shared_ptr<Device> device)
    : Handle(kKind), tensor_(std::move(tensor)), owned_(owned), device_(std::move(device)) {
  if (owned > 0) AdjustMemory(env, owned);
}

void Tensor::Close(Napi::Env env) {
  if (tensor_ == nullptr) return;
  tensor_ = nullptr;
  if (owned_ > 0) AdjustMemory(env, -owned_);
}

void Tensor::AdjustMemory(Napi::Env env, int64_t bytes) const {
  if (device_ == nullptr) {
    Napi::MemoryManagement::AdjustExternalMemory(env, bytes);
  } else {
    device_->AdjustMemory(env, bytes);
  }
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
  result.Set("file", WrapHandle(env, std::make_shared<File>(OwnedFile(mapped))));
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
  return WrapHandle(env, std::make_shared<Tensor>(env, OwnedTensor(tensor), 0));
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
  return WrapHandle(env, std::make_shared<Tensor>(env, OwnedTensor(tensor), static_cast<int64_t>(data.ByteLength())));
}

Napi::Value PackTensor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto device = Unwrap<Device>(info[0]);
  if (device == nullptr) return env.Undefined();
  const auto weight = Unwrap<Tensor>(info[1]);
  if (weight == nullptr) return env.Undefined();
  Reader reader(env);
  const int32_t dtype = reader.Int(info[2]);
  if (reader.failed()) return reader.Throw();
  if (device->get() == nullptr) return ThrowDisposed(env, "the device");
  if (weight->get() == nullptr) return ThrowDisposed(env, "the weight");
  auto job = std::make_unique<PackJob>(device);
  PackJob& pack = *job;
  return device->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    return kvs_tensor_pack(device->get(), weight->get(), static_cast<kvs_dtype>(dtype), &pack.packed, callback, user);
  });
}

}  // namespace kvasir_node
