// The instructions that touch the KV cache: writing slots, attending to them, iterating until they settle.
#include <math.h>
#include <string.h>

#include <algorithm>

#include "executor.h"

namespace kvasir {

bool Executor::tracks(int32_t kv_layer) const {
  if (iterate_ == nullptr || !(iterate_->f0 > 0)) return false;
  const int32_t* list = program_.kv_layer_lists.data() + iterate_->i2;
  return std::find(list, list + iterate_->i3, kv_layer) != list + iterate_->i3;
}

void Executor::write_kv(const kvs_instruction& i, const Window& window) {
  split(window.rows, 4096 / width(i.a), [&](int64_t begin, int64_t end, int worker) {
    for (int64_t r = window.first_row + begin; r < window.first_row + end; ++r) {
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        write_slot(i, static_cast<int32_t>(r), head, device_.scratch(worker));
      }
    }
  });
}

void Executor::write_slot(const kvs_instruction& i, int32_t r, int32_t head, float* scratch) {
  PageMemory& memory = *step_.memory;
  const auto index = static_cast<size_t>(r);
  const StepSequence& sequence = step_.sequences[static_cast<size_t>(step_.row_sequence[index])];
  const StepJob::Table table = step_.table(sequence, i.i0, head);
  const uint64_t place = memory.place(table.pages, int64_t{table.resident} + r - sequence.first_row);
  const int64_t offset = static_cast<int64_t>(head) * program_.head_dim;
  const float* k = row(i.a, r) + offset;
  const bool compare = tracks(i.i0);
  const float key_change = store_vector(k, memory.keys() + place * memory.slot_bytes(), compare, scratch);
  const float value_change =
      store_vector(row(i.b, r) + offset, memory.values() + place * memory.slot_bytes(), compare, scratch);
  memory.positions()[place] = step_.row_position[index];
  memory.norms()[place] = kernels_.norm(k, program_.head_dim);
  if (compare) step_.row_change[index] = std::max({step_.row_change[index], key_change, value_change});
}

// Returns the greatest change of an element where it is to compare; what is not a number counts as infinite.
float Executor::store_vector(const float* from, uint8_t* to, bool compare, float* scratch) {
  const kvs_dtype dtype = step_.memory->spec().dtype;
  const int64_t n = program_.head_dim;
  if (!compare) {
    kernels_.narrow(dtype, from, to, n);
    return 0;
  }
  float* after = scratch + n;
  kernels_.widen(dtype, to, scratch, n);
  kernels_.narrow(dtype, from, to, n);
  kernels_.widen(dtype, to, after, n);
  float greatest = 0;
  for (int64_t e = 0; e < n; ++e) {
    const float change = fabsf(after[e] - scratch[e]);
    if (!(change <= greatest)) greatest = isnan(change) ? INFINITY : change;
  }
  return greatest;
}

void Executor::attend(const kvs_instruction& i, const Window& window) {
  const int64_t group = width(i.out) / program_.head_dim / program_.kv_heads;
  const auto tiles = [group](const StepSequence& s) { return (s.rows * group + kAttendPairs - 1) / kAttendPairs; };
  const StepSequence* sequences = step_.sequences.data() + window.first_sequence;
  int64_t items = 0;
  for (size_t s = 0; s < window.sequence_count; ++s) items += tiles(sequences[s]) * program_.kv_heads;
  pool_.run(items, [&](int64_t item, int worker) {
    const StepSequence* sequence = sequences;
    while (item >= tiles(*sequence) * program_.kv_heads) item -= tiles(*sequence++) * program_.kv_heads;
    // The last rows see the most slots: they go first, so that the threads end together.
    const int64_t tile = tiles(*sequence) - 1 - item / program_.kv_heads;
    attend_tile(i, *sequence, static_cast<int32_t>(item % program_.kv_heads), tile, worker);
  });
}

void Executor::attend_tile(const kvs_instruction& i, const StepSequence& sequence, int32_t head, int64_t tile,
                           int worker) {
  const PageMemory& memory = *step_.memory;
  const StepJob::Table table = step_.table(sequence, i.i0, head);
  AttendArgs args;
  args.head_dim = program_.head_dim;
  args.row_stride = width(i.out);
  args.group = static_cast<int32_t>(args.row_stride / args.head_dim / program_.kv_heads);
  const int64_t first_head = static_cast<int64_t>(head) * args.group * args.head_dim;
  args.q = row(i.a, sequence.first_row) + first_head;
  args.out = row(i.out, sequence.first_row) + first_head;
  args.pair_begin = tile * kAttendPairs;
  args.pair_end = std::min(args.pair_begin + kAttendPairs, static_cast<int64_t>(sequence.rows) * args.group);
  args.scale = i.f0;
  args.strict = i.i1;
  args.window = i.i2;
  args.resident = table.resident;
  args.position = sequence.position;
  args.page_tokens = memory.spec().page_tokens;
  args.dtype = memory.spec().dtype;
  args.pages = table.pages;
  args.keys = memory.keys();
  args.values = memory.values();
  args.positions = memory.positions();
  const Rope& rope = program_.ropes[static_cast<size_t>(i.i3)];
  const int32_t delta = sequence.position - table.resident;
  args.sinks = delta == 0 ? 0 : sequence.sinks;
  args.turned_pairs = static_cast<int32_t>(rope.pairs());
  args.interleaved = rope.interleaved;
  args.scratch = device_.scratch(worker);
  float* cosines = args.scratch + kernels_.attend_scratch(args.head_dim);
  float* sines = cosines + args.turned_pairs;
  for (int32_t pair = 0; args.sinks > 0 && pair < args.turned_pairs; ++pair) {
    const double angle = rope.angle(delta, pair);
    cosines[pair] = static_cast<float>(cos(angle));
    sines[pair] = static_cast<float>(sin(angle));
  }
  args.turn_cos = cosines;
  args.turn_sin = sines;
  kernels_.attend(args);
}

void Executor::iterate(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  const size_t end = at + 1 + static_cast<size_t>(i.i0);
  iterate_ = &i;
  step_.row_change.assign(static_cast<size_t>(step_.rows()), 0.0f);
  for (int32_t k = 0; k < i.i3; ++k) clear_new_slots(program_.kv_layer_lists[static_cast<size_t>(i.i2 + k)]);
  run_range(at + 1, end, window);
  for (size_t s = 0; s < step_.sequences.size(); ++s) {
    const StepSequence& sequence = step_.sequences[s];
    const Window alone = {s, 1, sequence.first_row, sequence.rows};
    const int32_t passes = std::min(i.i1, sequence.rows);
    for (int32_t pass = 1; pass < passes; ++pass) {
      if (i.f0 > 0 && greatest_change(alone) <= i.f0) break;
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
  split(step_.rows(), 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const auto index = static_cast<size_t>(r);
      const StepSequence& sequence = step_.sequences[static_cast<size_t>(step_.row_sequence[index])];
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        const StepJob::Table table = step_.table(sequence, kv_layer, head);
        const uint64_t place = memory.place(table.pages, table.resident + r - sequence.first_row);
        memset(memory.keys() + place * memory.slot_bytes(), 0, memory.slot_bytes());
        memset(memory.values() + place * memory.slot_bytes(), 0, memory.slot_bytes());
        memory.positions()[place] = step_.row_position[index];
        memory.norms()[place] = 0;
      }
    }
  });
}

}  // namespace kvasir
