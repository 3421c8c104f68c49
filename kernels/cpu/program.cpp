#include "program.h"

#include <math.h>

#include "handles.h"
#include "plan.h"
#include "step-job.h"

namespace kvasir {

Rope::Rope(const kvs_rope& rope)
    : interleaved(rope.interleaved != 0),
      scale(rope.scale),
      dynamic_base(rope.dynamic_base),
      dynamic_factor(rope.dynamic_factor),
      dynamic_max_positions(rope.dynamic_max_positions) {
  check_range("rope.count", rope.count, 1, 512);
  check_pointer("rope.inverse_frequencies", rope.inverse_frequencies);
  inverse_frequencies.assign(rope.inverse_frequencies, rope.inverse_frequencies + rope.count);
  for (double frequency : inverse_frequencies) {
    if (!isfinite(frequency)) invalid("rope.inverse_frequencies holds %g; expected finite numbers", frequency);
  }
  if (!isfinite(scale)) invalid("rope.scale is %g; expected a finite number", scale);
  if (dynamic_base == 0) return;
  check_range("count of a dynamic rope", rope.count, 2, 512);
  if (!(dynamic_base > 0) || !isfinite(dynamic_base)) invalid("rope.dynamic_base is %g; expected above 0", dynamic_base);
  if (!(dynamic_factor >= 1) || !isfinite(dynamic_factor)) {
    invalid("rope.dynamic_factor is %g; expected a finite number, at least 1", dynamic_factor);
  }
  check_range("rope.dynamic_max_positions", dynamic_max_positions, 1, INT32_MAX);
}

double Rope::angle(int32_t position, int64_t pair) const {
  if (dynamic_base == 0 || position < dynamic_max_positions) {
    return position * inverse_frequencies[static_cast<size_t>(pair)];
  }
  const double d = 2.0 * static_cast<double>(pairs());
  const double stretch =
      dynamic_factor * (position + 1.0) / dynamic_max_positions - (dynamic_factor - 1);
  const double base = dynamic_base * pow(stretch, d / (d - 2));
  return position * pow(base, -2.0 * static_cast<double>(pair) / d);
}

void Rope::turn(int32_t position, float* cosines, float* sines) const {
  for (int64_t pair = 0; pair < pairs(); ++pair) {
    const double turned = angle(position, pair);
    cosines[pair] = static_cast<float>(cos(turned));
    sines[pair] = static_cast<float>(sin(turned));
  }
}

namespace {

template <class T>
std::vector<T> copy_list(const char* field, const T* items, int32_t count) {
  check_range(field, count, 0, 1 << 24);
  if (count > 0) check_pointer(field, items);
  return std::vector<T>(items, items + count);
}

}  // namespace

Program::Program(std::shared_ptr<Device> device, const kvs_program_spec& spec)
    : kv_layers(spec.kv_layers),
      kv_heads(spec.kv_heads),
      head_dim(spec.head_dim),
      vocab_size(spec.vocab_size),
      logits(spec.logits),
      instructions(copy_list("instructions", spec.instructions, spec.instruction_count)),
      kv_layer_lists(copy_list("kv_layer_lists", spec.kv_layer_lists, spec.kv_layer_list_count)),
      device_(std::move(device)) {
  idle_steps_.reserve(4);
  for (const kvs_buffer& buffer : copy_list("buffers", spec.buffers, spec.buffer_count)) {
    check_range("buffer.width", buffer.width, 1, INT32_MAX);
    check_range("buffer.outputs", buffer.outputs, 0, 1);
    buffers.push_back({buffer.width, buffer.outputs != 0});
  }
  for (kvs_tensor* tensor : copy_list("tensors", spec.tensors, spec.tensor_count)) {
    check_pointer("tensors[i]", tensor);
    tensors.push_back(tensor->shared);
  }
  for (const kvs_rope& rope : copy_list("ropes", spec.ropes, spec.rope_count)) ropes.emplace_back(rope);
  check_program(*this);
  plan = make_plan(*this);
  readers.assign(static_cast<size_t>(kv_layers), 0);
  for (size_t at = 0; at < instructions.size(); ++at) {
    if (instructions[at].op != KVS_ATTEND) continue;
    attends.push_back(at);
    ++readers[static_cast<size_t>(instructions[at].i0)];
  }
  memory_.resize(buffers.size());
  const std::vector<bool> quantized = quantized_buffers(*this);
  for (size_t b = 0; b < buffers.size(); ++b) {
    activations_.push_back(quantized[b] ? std::make_unique<Activations>(buffers[b].width) : nullptr);
  }
  vectors_.resize(tensors.size());
  widen_vectors();
}

Program::~Program() = default;

void Program::widen_vectors() {
  const auto widen = [this](int32_t index) {
    FloatArray& vector = vectors_[static_cast<size_t>(index)];
    const Tensor& tensor = *tensors[static_cast<size_t>(index)];
    if (vector.data() != nullptr) return;
    vector.reserve(tensor.shape().elements);
    device_->kernels().widen(tensor.dtype(), tensor.data(), vector.data(),
                             static_cast<int64_t>(tensor.shape().elements));
  };
  for (const kvs_instruction& instruction : instructions) {
    if (instruction.op == KVS_RMS_NORM) widen(instruction.c);
    if (instruction.op == KVS_LINEAR && instruction.i0 >= 0) widen(instruction.i0);
  }
}

void Program::reserve(int64_t token_rows, int64_t output_rows) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    const int64_t rows = buffers[i].outputs ? output_rows : token_rows;
    memory_[i].reserve(checked_product(static_cast<uint64_t>(rows), static_cast<uint64_t>(buffers[i].width)));
    if (activations_[i] != nullptr) activations_[i]->reserve(rows);
  }
  for (const kvs_instruction& instruction : instructions) {
    if (instruction.op != KVS_GATED) continue;
    const Buffer& out = buffers[static_cast<size_t>(instruction.out)];
    const int64_t rows = out.outputs ? output_rows : token_rows;
    gated_half_.reserve(checked_product(static_cast<uint64_t>(rows), static_cast<uint64_t>(out.width)));
  }
}

std::unique_ptr<StepJob> Program::take_step() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_steps_.empty()) return std::make_unique<StepJob>();
  std::unique_ptr<StepJob> step = std::move(idle_steps_.back());
  idle_steps_.pop_back();
  return step;
}

void Program::give_back(std::unique_ptr<StepJob> step) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_steps_.size() < idle_steps_.capacity()) idle_steps_.push_back(std::move(step));
}

}  // namespace kvasir
