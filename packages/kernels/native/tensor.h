// Mapped files and the tensors over them, or of their own memory.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "device.h"
#include "handle.h"
#include "owned.h"

namespace kvasir_node {

class File : public Handle {
 public:
  static constexpr Kind kKind = Kind::kFile;
  explicit File(OwnedFile file) : Handle(kKind), file_(std::move(file)) {}
  kvs_file* get() const { return file_.get(); }
  void Close(Napi::Env env) override;

 private:
  OwnedFile file_;
};

class Tensor : public Handle {
 public:
  static constexpr Kind kKind = Kind::kTensor;
  // `owned`: bytes of its own memory, which V8 is told of; 0 for a view, whose bytes are the page cache's.
  // `device`: whose job took that memory, if one did.
  Tensor(Napi::Env env, OwnedTensor tensor, int64_t owned, std::shared_ptr<Device> device = nullptr);
  kvs_tensor* get() const { return tensor_.get(); }
  void Close(Napi::Env env) override;

 private:
  void AdjustMemory(Napi::Env env, int64_t bytes) const;

  OwnedTensor tensor_;
  const int64_t owned_;
  const std::shared_ptr<Device> device_;
};

// mapFile(path): { file, size }
Napi::Value MapFile(const Napi::CallbackInfo& info);
// viewTensor(file, dtype, shape, offset): handle
Napi::Value ViewTensor(const Napi::CallbackInfo& info);
// copyTensor(dtype, shape, data): handle
Napi::Value CopyTensor(const Napi::CallbackInfo& info);
// packTensor(device, weight, dtype): promise of { tensor, bytes }
Napi::Value PackTensor(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
