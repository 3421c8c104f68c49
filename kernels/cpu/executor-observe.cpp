// What a step leaves for policies, beside attention: the newest queries, and the attention that each slot received.
#include <string.h>

#include <algorithm>

#include "attend-args.h"
#include "executor.h"
#include "observe.h"

namespace kvasir {

namespace {

// Scratch of one KV head: angles, noise, then what observe_rows takes.
int64_t noise_at(int32_t head_dim) { return (head_dim + 15) / 16 * 16; }
int64_t observe_at(int32_t head_dim, int64_t slots) { return noise_at(head_dim) + whole_spans(slots); }

}  // namespace

int64_t Executor::collect_scratch() const {
  int64_t most = 0;
  for (const StepSequence& sequence : step_.sequences) {
    if (!sequence.collects) continue;
    for (int64_t t = 0; t < program_.tables(); ++t) {
      const int64_t slots = int64_t{step_.table(sequence, 0, t).resident} + sequence.rows;
      most = std::max(most, observe_at(program_.head_dim, slots) + observe_floats(kernels_, program_.head_dim, slots));
    }
  }
  return most;
}

// Once for all passes of an iterate, which write a slot again and again.
void Executor::begin_signals() {
  for (const StepSequence& sequence : step_.sequences) {
    if (sequence.queries != nullptr) sequence.queries->begin(sequence.position, sequence.rows);
  }
  PageMemory& memory = *step_.memory;
  const int64_t tables = program_.tables();
  split(static_cast<int64_t>(step_.sequences.size()) * tables, 64, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const StepSequence& sequence = step_.sequences[static_cast<size_t>(t / tables)];
      const StepJob::Table table = step_.table(sequence, 0, t % tables);
      for (int64_t r = 0; r < sequence.rows; ++r) {
        memory.attention_sums()[memory.place(table.pages, table.resident + r)] = 0.0f;
      }
    }
  });
}

void Executor::keep_queries(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  const auto attend = static_cast<size_t>(
      std::lower_bound(program_.attends.begin(), program_.attends.end(), at) - program_.attends.begin());
  const int64_t heads = program_.query_heads(i);
  const auto bytes = static_cast<size_t>(program_.head_dim) * sizeof(float);
  for (size_t s = window.first_sequence; s < window.first_sequence + window.sequence_count; ++s) {
    const StepSequence& sequence = step_.sequences[s];
    if (sequence.queries == nullptr) continue;
    const QueryWindow& kept = *sequence.queries;
    float* queries = kept.queries(attend);
    split(std::min(sequence.rows, kept.window()), 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t back = begin; back < end; ++back) {
        const float* from = row(i.a, int64_t{sequence.first_row} + sequence.rows - 1 - back);
        float* to = queries + kept.entry(static_cast<int32_t>(back)) * kept.entry_stride();
        for (int64_t h = 0; h < heads; ++h) memcpy(to + h * kept.head_stride(), from + h * program_.head_dim, bytes);
      }
    });
  }
}

// Whether no pass over the rows of a sequence follows the one under way.
bool Executor::last_pass(const StepSequence& sequence) const {
  return iterate_ == nullptr || pass_ + 1 == std::min(iterate_->i1, sequence.rows);
}

// Rows of one KV head are added one after the other: so heads of sequences are what threads share.
void Executor::collect(const kvs_instruction& i, const Window& window) {
  std::vector<CollectPart>& parts = step_.collect_parts;
  parts.clear();
  for (size_t s = window.first_sequence; s < window.first_sequence + window.sequence_count; ++s) {
    if (!step_.sequences[s].collects || !last_pass(step_.sequences[s])) continue;
    for (int32_t head = 0; head < program_.kv_heads; ++head) parts.push_back({s, head});
  }
  pool_.run(static_cast<int64_t>(parts.size()), [&](int64_t item, int worker) {
    collect_head(i, parts[static_cast<size_t>(item)], device_.scratch(worker));
  });
}

void Executor::collect_head(const kvs_instruction& i, const CollectPart& part, float* scratch) {
  const PageMemory& memory = *step_.memory;
  const StepSequence& sequence = step_.sequences[part.sequence];
  const kvs_collection& collection = sequence.collection;
  const StepJob::Table table = step_.table(sequence, i.i0, part.head);
  const int64_t slots = int64_t{table.resident} + sequence.rows;
  ObserveArgs args = {};
  args.attend = head_args(program_, i, memory, {table.pages, sequence.sinks, sequence.position - table.resident}, scratch);
  args.attend.scale /= collection.temperature;
  args.attend.q = row(i.a, sequence.first_row) + int64_t{part.head} * args.attend.group * args.attend.head_dim;
  args.attend.scratch = scratch + observe_at(program_.head_dim, slots);
  args.head_stride = program_.head_dim;
  if (collection.noise != 0) {
    float* noise = scratch + noise_at(program_.head_dim);
    for (int64_t slot = 0; slot < slots; ++slot) {
      const int32_t position = memory.positions()[memory.place(table.pages, slot)];
      noise[slot] = gumbel_noise(collection.noise_seed, position, i.i0, part.head) / collection.temperature;
    }
    std::fill(noise + slots, noise + whole_spans(slots), 0.0f);
    args.noise = noise;
  }
  args.reduce = collection.reduce;
  args.share = 1.0f / static_cast<float>(program_.readers[static_cast<size_t>(i.i0)]);
  if (collection.reduce == KVS_MEAN) args.share /= static_cast<float>(args.attend.group);
  args.sums = memory.attention_sums();
  args.sum_pages = table.pages;
  const int64_t own = i.i1 != 0 ? 0 : 1;
  observe_rows(kernels_, args, sequence.rows, slots, [&](int64_t r) {
    const int64_t after = i.i2 > 0 ? std::max(int64_t{sequence.position} + r - i.i2, int64_t{-1}) : -1;
    return ObservedRow{r * args.attend.row_stride, static_cast<int32_t>(table.resident + r + own),
                       static_cast<int32_t>(after), INT32_MAX};
  });
}

}  // namespace kvasir
