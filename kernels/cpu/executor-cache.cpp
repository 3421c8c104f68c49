// The instructions that write the KV cache: slot by slot, and again and again until they settle.
#include <math.h>

#include <algorithm>

#include "executor.h"

namespace kvasir {

bool Executor::tracks(int32_t kv_layer) const {
  if (iterate_ == nullptr || !(iterate_->f0 > 0)) return false;
  const int32_t* list = program_.kv_layer_lists.data() + iterate_->i2;
  return std::find(list, list + iterate_->i3, kv_layer) != list + iterate_->i3;
}

// Floats that write_kv takes: a row of turned keys, and three vectors of one head.
int64_t Executor::write_scratch() const { return int64_t{program_.kv_heads + 3} * program_.head_dim; }

void Executor::write_kv(const kvs_instruction& i, const Window& window) {
  split(window.rows, 4096 / width(i.a), [&](int64_t begin, int64_t end, int worker) {
    float* scratch = device_.scratch(worker);
    for (int64_t r = window.first_row + begin; r < window.first_row + end; ++r) {
      const float* k = row(i.a, r);
      if (i.i1 >= 0) {
        const Rope& rope = program_.ropes[static_cast<size_t>(i.i1)];
        const float* cosines = step_.cosines[static_cast<size_t>(i.i1)].data() + r * rope.pairs();
        const float* sines = step_.sines[static_cast<size_t>(i.i1)].data() + r * rope.pairs();
        kernels_.rope(k, scratch, cosines, sines, program_.kv_heads, program_.head_dim, rope.pairs(), rope.interleaved);
        k = scratch;
      }
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        const int64_t offset = int64_t{head} * program_.head_dim;
        write_slot(i.i0, static_cast<int32_t>(r), head, k + offset, row(i.b, r) + offset,
                   scratch + width(i.a));
      }
    }
  });
}

void Executor::write_slot(int32_t kv_layer, int32_t r, int32_t head, const float* k, const float* v, float* scratch) {
  PageMemory& memory = *step_.memory;
  const auto index = static_cast<size_t>(r);
  const StepSequence& sequence = step_.sequences[static_cast<size_t>(step_.row_sequence[index])];
  const StepJob::Table table = step_.table(sequence, kv_layer, head);
  const uint64_t place = memory.place(table.pages, int64_t{table.resident} + r - sequence.first_row);
  const bool compare = tracks(kv_layer);
  const float key_change = store_vector(KVS_KEYS, place, k, compare, scratch);
  const float value_change = store_vector(KVS_VALUES, place, v, compare, scratch);
  memory.positions()[place] = step_.row_position[index];
  if (compare) step_.row_change[index] = std::max({step_.row_change[index], key_change, value_change});
}

// Returns the greatest change of an element where it is to compare; what is not a number counts as infinite.
float Executor::store_vector(kvs_slot_data data, uint64_t place, const float* from, bool compare, float* scratch) {
  PageMemory& memory = *step_.memory;
  const kvs_dtype dtype = memory.spec().dtype;
  const int64_t n = program_.head_dim;
  float* stored = scratch;
  float greatest = 0;
  if (compare) {
    float* before = scratch + n;
    float* after = scratch + 2 * n;
    memory.read(data, place, stored);
    kernels_.widen(dtype, stored, before, n);
    kernels_.narrow(dtype, from, stored, n);
    kernels_.widen(dtype, stored, after, n);
    for (int64_t e = 0; e < n; ++e) {
      const float change = fabsf(after[e] - before[e]);
      if (!(change <= greatest)) greatest = isnan(change) ? INFINITY : change;
    }
  } else {
    kernels_.narrow(dtype, from, stored, n);
  }
  memory.write(data, place, stored);
  return greatest;
}

void Executor::iterate(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  const size_t end = at + 1 + static_cast<size_t>(i.i0);
  iterate_ = &i;
  pass_ = 0;
  step_.row_change.assign(static_cast<size_t>(step_.rows()), 0.0f);
  for (int32_t k = 0; k < i.i3; ++k) clear_new_slots(program_.kv_layer_lists[static_cast<size_t>(i.i2 + k)]);
  run_range(at + 1, end, window);
  for (size_t s = 0; s < step_.sequences.size(); ++s) {
    const StepSequence& sequence = step_.sequences[s];
    const Window alone = {s, 1, sequence.first_row, sequence.rows};
    const int32_t passes = std::min(i.i1, sequence.rows);
    for (int32_t pass = 1; pass < passes; ++pass) {
      if (i.f0 > 0 && !sequence.collects && greatest_change(alone) <= i.f0) break;
      pass_ = pass;
      std::fill_n(step_.row_change.begin() + sequence.first_row, sequence.rows, 0.0f);
      run_range(at + 1, end, alone);
    }
  }
  iterate_ = nullptr;
}

float Executor::greatest_change(const Window& window) const {
  const auto first = step_.row_change.begin() + window.first_row;
  return *std::max_element(first, first + window.rows);
}

// Keys and values become zero; positions are the true ones, so that windows show what they will show.
void Executor::clear_new_slots(int32_t kv_layer) {
  PageMemory& memory = *step_.memory;
  const float zeros[kMaxHeadDim] = {};  // in any format
  split(step_.rows(), 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const auto index = static_cast<size_t>(r);
      const StepSequence& sequence = step_.sequences[static_cast<size_t>(step_.row_sequence[index])];
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        const StepJob::Table table = step_.table(sequence, kv_layer, head);
        const uint64_t place = memory.place(table.pages, table.resident + r - sequence.first_row);
        memory.write(KVS_KEYS, place, zeros);
        memory.write(KVS_VALUES, place, zeros);
        memory.positions()[place] = step_.row_position[index];
      }
    }
  });
}

}  // namespace kvasir
