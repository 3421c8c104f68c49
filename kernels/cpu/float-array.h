// Floats aligned to a cache line that only ever grow. What they held is lost when they do.
#ifndef KVASIR_FLOAT_ARRAY_H
#define KVASIR_FLOAT_ARRAY_H

#include <stdint.h>
#include <stdlib.h>

#include <memory>

#include "status.h"

namespace kvasir {

class FloatArray {
 public:
  float* data() const { return data_.get(); }

  void reserve(uint64_t count) {
    if (count <= capacity_) return;
    const uint64_t bytes = (checked_product(count, sizeof(float)) + 63) / 64 * 64;
    data_.reset();
    capacity_ = 0;
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, bytes) != 0) throw std::bad_alloc();
    data_.reset(static_cast<float*>(memory));
    capacity_ = count;
  }

 private:
  struct Free {
    void operator()(float* memory) const { free(memory); }
  };
  std::unique_ptr<float[], Free> data_;
  uint64_t capacity_ = 0;
};

}  // namespace kvasir

#endif
