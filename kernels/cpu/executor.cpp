#include "executor.h"

#include <math.h>
#include <string.h>

#include <algorithm>

#include "quant/packed-layout.h"
#include "sampler.h"

namespace kvasir {

namespace {

// Elements, and products of elements, that are worth a thread's while.
constexpr int64_t kGrain = 8192;
constexpr int64_t kLeastProducts = 65536;
constexpr int64_t kGatedOutputs = 64;

}  // namespace

void Executor::run() {
  prepare();
  turn_ropes();
  begin_signals();
  run_range(0, program_.instructions.size(), {0, step_.sequences.size(), 0, step_.rows()});
  finish_outputs();
}

void Executor::prepare() {
  program_.reserve(step_.rows(), step_.output_count());
  int64_t scratch = std::max(kernels_.attend_scratch(program_.head_dim) + program_.head_dim, write_scratch());
  if (step_.collects) scratch = std::max(scratch, collect_scratch());
  if (!step_.sampling.empty()) scratch = std::max(scratch, Sampler::scratch_floats(program_.vocab_size));
  device_.reserve_scratch(static_cast<uint64_t>(scratch));
  if (kernels_.attend_partial(program_.head_dim, 1) > 0) step_.shared.find(step_, pool_);
  step_.row_sequence.clear();
  step_.row_position.clear();
  for (size_t s = 0; s < step_.sequences.size(); ++s) {
    const StepSequence& sequence = step_.sequences[s];
    for (int32_t r = 0; r < sequence.rows; ++r) {
      step_.row_sequence.push_back(static_cast<int32_t>(s));
      step_.row_position.push_back(sequence.position + r);
    }
  }
}

// The angles of every rope at every row, once for all layers.
void Executor::turn_ropes() {
  step_.cosines.resize(program_.ropes.size());
  step_.sines.resize(program_.ropes.size());
  for (size_t k = 0; k < program_.ropes.size(); ++k) {
    const Rope& rope = program_.ropes[k];
    const int64_t pairs = rope.pairs();
    const uint64_t count = checked_product(static_cast<uint64_t>(step_.rows()), static_cast<uint64_t>(pairs));
    step_.cosines[k].reserve(count);
    step_.sines[k].reserve(count);
    float* cosines = step_.cosines[k].data();
    float* sines = step_.sines[k].data();
    split(step_.rows(), 256 / pairs, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        for (int64_t i = 0; i < pairs; ++i) {
          const double angle = rope.angle(step_.row_position[static_cast<size_t>(r)], i);
          cosines[r * pairs + i] = static_cast<float>(cos(angle) * rope.scale);
          sines[r * pairs + i] = static_cast<float>(sin(angle) * rope.scale);
        }
      }
    });
  }
}

void Executor::run_range(size_t begin, size_t end, const Window& window) {
  for (size_t at = begin; at < end; ++at) {
    const kvs_instruction& instruction = program_.instructions[at];
    if (instruction.op == KVS_ITERATE) {
      iterate(at, window);
      at += static_cast<size_t>(instruction.i0);
    } else {
      run_one(at, window);
      at += static_cast<size_t>(program_.plan[at].joined - 1);
    }
  }
}

void Executor::run_one(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  switch (i.op) {
    case KVS_EMBED:
      return embed(i, window);
    case KVS_RMS_NORM:
      return rms_norm(at, window);
    case KVS_LINEAR:
    case KVS_GATED:
      return products(at, window);
    case KVS_ROPE:
      return rope(i, window);
    case KVS_WRITE_KV:
      return write_kv(i, window);
    case KVS_ATTEND:
      return attend(at, window);
    case KVS_SWIGLU:
      return swiglu(i, window);
    case KVS_ADD:
      return add(i, window);
    case KVS_GATHER_OUTPUTS:
      return gather(i);
    default:
      fail(KVS_INTERNAL, "op %d was not checked", i.op);
  }
}

void Executor::embed(const kvs_instruction& i, const Window& window) {
  const Tensor& table = *program_.tensors[static_cast<size_t>(i.c)];
  const int64_t n = width(i.out);
  const uint64_t bytes_of_row = row_bytes(table.dtype(), n);
  split(window.rows, kGrain / n, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = window.first_row + begin; r < window.first_row + end; ++r) {
      const auto token = static_cast<uint64_t>(step_.tokens[static_cast<size_t>(r)]);
      const uint8_t* from = table.data() + token * bytes_of_row;
      if (is_quantized(table.dtype())) {
        dequantize_row(table.dtype(), from, n, row(i.out, r));
      } else {
        kernels_.widen(table.dtype(), from, row(i.out, r), n);
      }
    }
  });
}

void Executor::rms_norm(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  const Rows rows = rows_of(i.out, window);
  const auto n = static_cast<int64_t>(program_.tensors[static_cast<size_t>(i.c)]->shape().elements);
  const bool quantize = program_.plan[at].quantize;  // n is the width then
  const float* x = row(i.a, rows.first);
  float* out = row(i.out, rows.first);
  split(rows.count * width(i.out) / n, kGrain / n, [&](int64_t begin, int64_t end, int) {
    kernels_.rms_norm(x + begin * n, program_.vector(i.c), out + begin * n, end - begin, n, i.f0);
    if (quantize) {
      kernels_.quantize_rows(out + begin * n, end - begin, n, program_.activations(i.out, rows.first + begin));
    }
  });
}

// Products that read the same rows, in one parallel region.
void Executor::products(size_t at, const Window& window) {
  const kvs_instruction* first = &program_.instructions[at];
  const auto joined = static_cast<size_t>(program_.plan[at].joined);
  const Rows rows = rows_of(first->out, window);
  if (rows.count == 0) return;
  if (program_.plan[at].quantize) quantize(first->a, rows);
  // Parts small enough to share evenly, large enough to be worth it, and whole pairs of groups of outputs.
  int64_t outputs = 0;
  for (size_t k = 0; k < joined; ++k) outputs += width(first[k].out);
  const int64_t fair = outputs / (8 * pool_.threads()) + 1;
  const int64_t least = kLeastProducts / (rows.count * width(first->a)) + 1;
  const int64_t part = pool_.threads() == 1 ? outputs : std::max(fair, least);
  const int64_t whole = (part + 2 * kGroupOutputs - 1) / (2 * kGroupOutputs) * (2 * kGroupOutputs);
  const auto parts = [&](const kvs_instruction& i) { return (width(i.out) + whole - 1) / whole; };
  int64_t items = 0;
  for (size_t k = 0; k < joined; ++k) items += parts(first[k]);
  pool_.run(items, [&](int64_t item, int) {
    const kvs_instruction* i = first;
    while (item >= parts(*i)) item -= parts(*i++);
    product_part(*i, rows, item * whole, std::min((item + 1) * whole, width(i->out)));
  });
}

void Executor::product_part(const kvs_instruction& i, const Rows& rows, int64_t begin, int64_t end) {
  if (i.op == KVS_LINEAR) return multiply(i, i.c, rows, row(i.out, rows.first), begin, end);
  float* gate = row(i.out, rows.first);
  float* up = program_.gated_half();
  // A few outputs at a time, so that both halves are still in the cache when they meet.
  for (int64_t at = begin; at < end; at += kGatedOutputs) {
    const int64_t stop = std::min(at + kGatedOutputs, end);
    multiply(i, i.c, rows, gate, at, stop);
    multiply(i, i.i0, rows, up, at, stop);
    for (int64_t r = 0; r < rows.count; ++r) {
      float* out = gate + r * width(i.out) + at;
      kernels_.swiglu(out, up + r * width(i.out) + at, out, stop - at);
    }
  }
}

void Executor::multiply(const kvs_instruction& i, int32_t weight_index, const Rows& rows, float* out, int64_t begin,
                        int64_t end) {
  const Tensor& weight = *program_.tensors[static_cast<size_t>(weight_index)];
  const bool plain = i.op == KVS_LINEAR;
  const float* bias = plain && i.i0 >= 0 ? program_.vector(i.i0) : nullptr;
  const float* residual = plain && i.b >= 0 ? row(i.b, rows.first) : nullptr;
  const int64_t inputs = width(i.a);
  const int64_t outputs = width(i.out);
  if (is_quantized(weight.dtype())) {
    kernels_.quant_linear({program_.activations(i.a, rows.first), rows.count, inputs, weight.data(), weight.dtype(),
                           bias, residual, out, outputs, begin, end});
  } else {
    kernels_.linear({row(i.a, rows.first), rows.count, inputs, weight.data(), weight.dtype(), bias, residual, out,
                     outputs, begin, end});
  }
}

void Executor::quantize(int32_t buffer, const Rows& rows) {
  const int64_t n = width(buffer);
  split(rows.count, kGrain / n, [&](int64_t begin, int64_t end, int) {
    kernels_.quantize_rows(row(buffer, rows.first + begin), end - begin, n,
                           program_.activations(buffer, rows.first + begin));
  });
}

void Executor::rope(const kvs_instruction& i, const Window& window) {
  const Rope& rope = program_.ropes[static_cast<size_t>(i.i0)];
  const int64_t pairs = rope.pairs();
  const int64_t heads = width(i.out) / program_.head_dim;
  const float* cosines = step_.cosines[static_cast<size_t>(i.i0)].data();
  const float* sines = step_.sines[static_cast<size_t>(i.i0)].data();
  split(window.rows, kGrain / width(i.out), [&](int64_t begin, int64_t end, int) {
    for (int64_t r = window.first_row + begin; r < window.first_row + end; ++r) {
      kernels_.rope(row(i.a, r), row(i.out, r), cosines + r * pairs, sines + r * pairs, heads, program_.head_dim,
                    pairs, rope.interleaved);
    }
  });
}

void Executor::swiglu(const kvs_instruction& i, const Window& window) {
  const Rows rows = rows_of(i.out, window);
  const float* gate = row(i.a, rows.first);
  const float* up = row(i.b, rows.first);
  float* out = row(i.out, rows.first);
  split(rows.count * width(i.out), kGrain, [&](int64_t begin, int64_t end, int) {
    kernels_.swiglu(gate + begin, up + begin, out + begin, end - begin);
  });
}

void Executor::add(const kvs_instruction& i, const Window& window) {
  const Rows rows = rows_of(i.out, window);
  const float* a = row(i.a, rows.first);
  const float* b = row(i.b, rows.first);
  float* out = row(i.out, rows.first);
  split(rows.count * width(i.out), kGrain, [&](int64_t begin, int64_t end, int) {
    kernels_.add(a + begin, b + begin, out + begin, end - begin);
  });
}

void Executor::gather(const kvs_instruction& i) {
  const auto bytes = static_cast<size_t>(width(i.out)) * sizeof(float);
  for (int64_t o = 0; o < step_.output_count(); ++o) {
    memcpy(row(i.out, o), row(i.a, step_.outputs[static_cast<size_t>(o)]), bytes);
  }
}

void Executor::finish_outputs() {
  const float* logits = program_.data(program_.logits);
  const auto outputs = static_cast<size_t>(step_.output_count());
  const auto width = static_cast<size_t>(program_.logits_width());
  if (step_.result.logits != nullptr && outputs > 0) {
    memcpy(step_.result.logits, logits, outputs * width * sizeof(float));
  }
  if (step_.sampling.empty()) return;
  pool_.run(static_cast<int64_t>(outputs), [&](int64_t o, int worker) {
    const StepSampling& sampling = step_.sampling[static_cast<size_t>(o)];
    Sampler sampler(logits + static_cast<size_t>(o) * width, program_.vocab_size, device_.scratch(worker));
    sampler.sample(sampling.settings, step_.history.data() + sampling.history, step_.bias_ids.data() + sampling.bias,
                   step_.bias_values.data() + sampling.bias, step_.result, o);
  });
}

}  // namespace kvasir
