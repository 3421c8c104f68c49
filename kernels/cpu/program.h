// A compiled program: checked instructions, its weights, and work buffers that grow with the steps.
#ifndef KVASIR_PROGRAM_H
#define KVASIR_PROGRAM_H

#include <memory>
#include <mutex>
#include <vector>

#include "activations.h"
#include "device.h"
#include "tensor.h"

namespace kvasir {

class StepJob;
struct Plan;

struct Rope {
  std::vector<double> inverse_frequencies;
  bool interleaved;
  double scale;
  double dynamic_base;  // 0: not dynamic
  double dynamic_factor;
  int32_t dynamic_max_positions;

  explicit Rope(const kvs_rope& rope);
  int64_t pairs() const { return static_cast<int64_t>(inverse_frequencies.size()); }
  // Angle by which pair i turns at a position.
  double angle(int32_t position, int64_t pair) const;
  // [pairs] cosines and sines of the angles at a position, without the scale.
  void turn(int32_t position, float* cosines, float* sines) const;
};

struct Buffer {
  int64_t width;
  bool outputs;  // rows are the outputs, not the tokens
};

class Program {
 public:
  Program(std::shared_ptr<Device> device, const kvs_program_spec& spec);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const std::shared_ptr<Device>& device() const { return device_; }

  int32_t kv_layers, kv_heads, head_dim, vocab_size, logits;
  std::vector<Buffer> buffers;
  std::vector<std::shared_ptr<const Tensor>> tensors;
  std::vector<Rope> ropes;
  std::vector<kvs_instruction> instructions;
  std::vector<Plan> plan;  // one for each instruction
  std::vector<int32_t> kv_layer_lists;
  // Whether a rope attends with sinks could be turned for; see Rope::dynamic_base.
  bool has_dynamic_attention = false;

  // Which instructions attend, in order, and how many attend to each KV layer.
  std::vector<size_t> attends;
  std::vector<int32_t> readers;

  int64_t query_heads(const kvs_instruction& attend) const {
    return buffers[static_cast<size_t>(attend.a)].width / head_dim;
  }
  // Of the buffer that steps return and sample from.
  int64_t logits_width() const { return buffers[static_cast<size_t>(logits)].width; }
  int64_t tables() const { return static_cast<int64_t>(kv_layers) * kv_heads; }
  // The values of norm weights and biases as f32; null for tensors that are no vectors.
  const float* vector(int32_t tensor) const { return vectors_[static_cast<size_t>(tensor)].data(); }

  // Only for the device's thread.
  void reserve(int64_t token_rows, int64_t output_rows);
  float* data(int32_t buffer) const { return memory_[static_cast<size_t>(buffer)].data(); }
  // Of a buffer that a quantised weight is multiplied with.
  QuantRows activations(int32_t buffer, int64_t row) const {
    return activations_[static_cast<size_t>(buffer)]->rows(row);
  }
  // A second place of a gated product's size for the other half.
  float* gated_half() const { return gated_half_.data(); }

  // A number for each step that is being checked; only the submitting thread uses it.
  uint64_t next_round() { return ++round_; }
  // Steps are recycled with the memory of their lists.
  std::unique_ptr<StepJob> take_step();
  void give_back(std::unique_ptr<StepJob> step);

 private:
  void widen_vectors();

  std::shared_ptr<Device> device_;
  std::vector<FloatArray> memory_;
  std::vector<std::unique_ptr<Activations>> activations_;  // null where a buffer needs none
  FloatArray gated_half_;
  std::vector<FloatArray> vectors_;
  uint64_t round_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<StepJob>> idle_steps_;
};

// Throws where an index, a shape or an order of instructions is wrong, naming the instruction and the field.
void check_program(Program& program);

}  // namespace kvasir

#endif
