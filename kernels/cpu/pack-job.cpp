#include "pack-job.h"

#include <string.h>

#include <algorithm>

#include "quant/packed-layout.h"
#include "quant/packing.h"

namespace kvasir {

namespace {

// Bytes of the weight that a thread takes at a time, and then hands back to the system.
constexpr uint64_t kPartBytes = 1 << 20;

class PackJob final : public Job {
 public:
  PackJob(std::shared_ptr<const Tensor> weight, std::shared_ptr<Tensor> packed)
      : weight_(std::move(weight)),
        packed_(std::move(packed)),
        outputs_(weight_->shape().sizes[0]),
        inputs_(weight_->shape().sizes[1]),
        groups_((outputs_ + kGroupOutputs - 1) / kGroupOutputs),
        weight_row_(row_bytes(weight_->dtype(), inputs_)) {}

  void run(Device& device) override {
    const bool quantize = !is_quantized(weight_->dtype());
    if (quantize) device.reserve_scratch(scratch_floats());
    const auto part = static_cast<int64_t>(kPartBytes / (weight_row_ * kGroupOutputs)) + 1;
    device.pool().run((groups_ + part - 1) / part, [&](int64_t item, int worker) {
      const int64_t begin = item * part;
      const int64_t end = std::min(begin + part, groups_);
      if (quantize) {
        for (int64_t group = begin; group < end; ++group) quantize_group(device, group, device.scratch(worker));
      } else {
        pack_groups(packed_->dtype(), weight_->data(), outputs_, inputs_, begin, end, packed_->packed_memory());
      }
      const int64_t rows = std::min(end * kGroupOutputs, outputs_) - begin * kGroupOutputs;
      weight_->hand_back(static_cast<uint64_t>(begin * kGroupOutputs) * weight_row_,
                         static_cast<uint64_t>(rows) * weight_row_);
    });
    packed_->set_ready();
  }

 private:
  // A row of floats, then a group's blocks.
  uint64_t scratch_floats() const {
    return static_cast<uint64_t>(inputs_) +
           kGroupOutputs * row_bytes(packed_->dtype(), inputs_) / sizeof(float) + 16;
  }

  void quantize_group(Device& device, int64_t group, float* row) {
    const kvs_dtype dtype = packed_->dtype();
    auto* blocks = reinterpret_cast<uint8_t*>(row + inputs_);
    const uint64_t block_row = row_bytes(dtype, inputs_);
    const int64_t first = group * kGroupOutputs;
    const int64_t rows = std::min<int64_t>(kGroupOutputs, outputs_ - first);
    for (int64_t r = 0; r < rows; ++r) {
      device.kernels().widen(weight_->dtype(), weight_->data() + static_cast<uint64_t>(first + r) * weight_row_, row,
                             inputs_);
      quantize_row(dtype, row, inputs_, blocks + static_cast<uint64_t>(r) * block_row);
    }
    const uint64_t group_bytes = packed_bytes(dtype, kGroupOutputs, inputs_);
    pack_groups(dtype, blocks, rows, inputs_, 0, 1,
                packed_->packed_memory() + static_cast<uint64_t>(group) * group_bytes);
  }

  std::shared_ptr<const Tensor> weight_;
  std::shared_ptr<Tensor> packed_;
  int64_t outputs_, inputs_, groups_;
  uint64_t weight_row_;
};

}  // namespace

std::shared_ptr<Tensor> packed_weight(const Tensor& weight, int32_t dtype) {
  check_weight_dtype("dtype", dtype);
  if (weight.packed()) invalid("weight is packed already");
  if (weight.shape().rank != 2) invalid("weight has rank %d; expected 2", weight.shape().rank);
  const bool quantized = is_quantized(weight.dtype());
  if (quantized && dtype != weight.dtype()) {
    invalid("dtype is %d; expected that of the weight (%d), which is quantised already", dtype, weight.dtype());
  }
  if (!quantized && dtype != KVS_Q8_0 && dtype != KVS_Q4_0 && dtype != KVS_Q4_K) {
    invalid("dtype is %d; expected q8_0, q4_0 or q4_k for a weight of floats", dtype);
  }
  return std::make_shared<Tensor>(static_cast<kvs_dtype>(dtype), weight.shape());
}

std::unique_ptr<Job> make_pack_job(std::shared_ptr<const Tensor> weight, std::shared_ptr<Tensor> packed) {
  return std::make_unique<PackJob>(std::move(weight), std::move(packed));
}

}  // namespace kvasir
