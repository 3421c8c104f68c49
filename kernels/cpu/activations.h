// The rows of a buffer rounded to int8 (see QuantRows), in memory that grows with the steps.
#ifndef KVASIR_ACTIVATIONS_H
#define KVASIR_ACTIVATIONS_H

#include "float-array.h"
#include "kernel-table.h"

namespace kvasir {

class Activations {
 public:
  explicit Activations(int64_t width) : width_(width) {}

  void reserve(int64_t rows) {
    const uint64_t readable = static_cast<uint64_t>(rows) + kReadableRows - 1;
    const uint64_t values = checked_product(readable, static_cast<uint64_t>(width_));
    values_.reserve(values / 4 + 16);
    scales_.reserve(values / 32);
    sums_.reserve(values / 16);
  }

  // From row `first` on.
  QuantRows rows(int64_t first) const {
    return {reinterpret_cast<int8_t*>(values_.data()) + first * width_, scales_.data() + first * (width_ / 32),
            reinterpret_cast<int32_t*>(sums_.data()) + first * (width_ / 16)};
  }

 private:
  int64_t width_;
  FloatArray values_, scales_, sums_;
};

}  // namespace kvasir

#endif
