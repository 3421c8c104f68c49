// Compiled programs.
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

class Program : public Handle {
 public:
  static constexpr Kind kKind = Kind::kProgram;

  Program(std::shared_ptr<Device> device, OwnedProgram program, int64_t tables, int32_t vocab_size,
          int32_t logits_width)
      : Handle(kKind),
        tables(tables),
        vocab_size(vocab_size),
        logits_width(logits_width),
        device_(std::move(device)),
        program_(std::move(program)) {}

  // Page tables of a sequence: kvLayers * kvHeads.
  const int64_t tables;
  const int32_t vocab_size;
  const int32_t logits_width;

  kvs_program* get() const { return program_.get(); }
  const std::shared_ptr<Device>& device() const { return device_; }
  void Close(Napi::Env env) override;

 private:
  const std::shared_ptr<Device> device_;
  OwnedProgram program_;
};

// compile(device, shape, buffers, tensors, frequencies, ropeIntegers, ropeNumbers, instructions, numbers,
// kvLayerLists): handle. The layouts are those of FlatProgram in src/native/flatten-program.ts.
Napi::Value Compile(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
