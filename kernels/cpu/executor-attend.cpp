// Attention over the pages of a step: how it is shared among the threads. Where several sequences have leading spans
// in the same pages, these go first, for all of them at once, and then each sequence's own (ChunkAttention, Ye et al.
// 2024): what the first spans gave is carried to the next, so that every row merges the same spans in the same order.
#include <algorithm>

#include "attend-args.h"
#include "executor.h"

namespace kvasir {

namespace {

// With fewer parts than this for each thread, pairs are split by spans too.
constexpr int64_t kPartsPerThread = 4;
// Floats of partials of a step; tiles whose partials would take more are not split.
constexpr int64_t kMostPartials = int64_t{16} << 20;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

// Passes of an iterate over one sequence have nobody to share with.
bool Executor::shares(const kvs_instruction& i, const Window& window) const {
  return window.sequence_count == step_.sequences.size() && kernels_.attend_partial(program_.head_dim, 1) > 0 &&
         step_.shared.count() > 1 && 2 * group_of(i) <= kAttendPairs;
}

// The tiles of the spans that sequences share.
void Executor::add_shared_tiles(const kvs_instruction& i) {
  const int64_t group = group_of(i);
  const int64_t most = kAttendPairs / group;
  for (int32_t head = 0; head < program_.kv_heads; ++head) {
    step_.shared.each_group(table_of(i, head), [&](const SharedSpans::Group& g) {
      const int64_t members = g.end - g.begin;
      const int64_t tiles = ceil_div(members, most);
      for (int64_t k = 0; k < tiles; ++k) {
        const int64_t first = g.begin + members * k / tiles;
        const int64_t pairs = (g.begin + members * (k + 1) / tiles - first) * group;
        step_.attend_tiles.push_back(
            {step_.shared.sequence(first), head, g.height, first, 0, pairs, g.span_begin, g.span_end, -1});
      }
    });
  }
}

// The tiles of what each sequence has for itself. The last rows see the most slots: they go first, so that the threads
// end together.
void Executor::add_tiles(const kvs_instruction& i, const Window& window, bool shared) {
  const int64_t group = group_of(i);
  // Whole rows, where a row fits.
  const int64_t most = group <= kAttendPairs ? kAttendPairs / group * group : kAttendPairs;
  for (size_t s = window.first_sequence; s < window.first_sequence + window.sequence_count; ++s) {
    const StepSequence& sequence = step_.sequences[s];
    const int64_t member = shared ? step_.shared.member(s) : -1;
    const int64_t pairs = sequence.rows * group;
    for (int64_t begin = (pairs - 1) / most * most; begin >= 0; begin -= most) {
      const int64_t end = std::min(begin + most, pairs);
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        const int64_t slots = step_.table(sequence, i.i0, head).resident + (end - 1) / group + (i.i1 != 0 ? 0 : 1);
        const int64_t first = member < 0 ? 0 : step_.shared.shared(table_of(i, head), member);
        step_.attend_tiles.push_back({s, head, 0, member, begin, end, first, ceil_div(slots, kAttendSpan), -1});
      }
    }
  }
}

void Executor::attend(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  std::vector<AttendPart>& tiles = step_.attend_tiles;
  tiles.clear();
  const bool shared = shares(i, window);
  if (shared) {
    add_shared_tiles(i);
    std::sort(tiles.begin(), tiles.end(), [](const AttendPart& a, const AttendPart& b) { return a.height > b.height; });
    step_.carry.reserve(checked_product(static_cast<uint64_t>(program_.kv_heads),
                                        static_cast<uint64_t>(carry_floats(i))));
  }
  add_tiles(i, window, shared);
  for (size_t begin = 0, end = 0; begin < tiles.size(); begin = end) {
    while (end < tiles.size() && tiles[end].height == tiles[begin].height) ++end;
    attend_tiles(i, begin, end);
  }
  if (step_.has_queries) keep_queries(at, window);
  if (step_.collects) collect(i, window);
}

// Tiles [begin, end) of StepJob::attend_tiles, in any order.
void Executor::attend_tiles(const kvs_instruction& i, size_t begin, size_t end) {
  std::vector<AttendPart>& parts = step_.attend_parts;
  std::vector<AttendPart>& merges = step_.attend_merges;
  parts.clear();
  merges.clear();
  const auto work_of = [](const AttendPart& tile) {  // in pairs times spans
    return (tile.pair_end - tile.pair_begin) * (tile.span_end - tile.span_begin);
  };
  const bool splits = pool_.threads() > 1 && kernels_.attend_partial(program_.head_dim, 1) > 0;
  int64_t work = 0;
  for (size_t t = begin; t < end; ++t) work += work_of(step_.attend_tiles[t]);
  const int64_t fair = std::max(ceil_div(work, kPartsPerThread * pool_.threads()), int64_t{1});
  int64_t partials = 0;
  for (size_t t = begin; t < end; ++t) {
    AttendPart part = step_.attend_tiles[t];
    const int64_t first = part.span_begin;
    const int64_t spans = part.span_end - first;
    const int64_t count = splits ? std::min(ceil_div(work_of(part), fair), spans) : 1;
    const int64_t size = kernels_.attend_partial(program_.head_dim, part.pair_end - part.pair_begin);
    if (count <= 1 || partials + spans * size > kMostPartials) {
      parts.push_back(part);
      continue;
    }
    part.partials = partials;
    merges.push_back(part);
    for (int64_t k = 0; k < count; ++k) {
      part.span_begin = first + spans * k / count;
      part.span_end = first + spans * (k + 1) / count;
      part.partials = partials + (part.span_begin - first) * size;
      parts.push_back(part);
    }
    partials += spans * size;
  }
  step_.partials.reserve(static_cast<uint64_t>(partials));
  pool_.run(static_cast<int64_t>(parts.size()), [&](int64_t item, int worker) {
    kernels_.attend(attend_args(i, parts[static_cast<size_t>(item)], worker));
  });
  pool_.run(static_cast<int64_t>(merges.size()), [&](int64_t item, int worker) {
    kernels_.merge_spans(attend_args(i, merges[static_cast<size_t>(item)], worker));
  });
}

// What is carried of one KV head, for all members of SharedSpans.
int64_t Executor::carry_floats(const kvs_instruction& i) const {
  return kernels_.attend_partial(program_.head_dim, step_.shared.count() * group_of(i));
}

AttendArgs Executor::attend_args(const kvs_instruction& i, const AttendPart& part, int worker) const {
  const PageMemory& memory = *step_.memory;
  const StepSequence& sequence = step_.sequences[part.sequence];
  const StepJob::Table table = step_.table(sequence, i.i0, part.head);
  const bool together = part.height > 0;  // with other sequences
  float* scratch = device_.scratch(worker);
  const HeadSlots slots = {table.pages, together ? 0 : sequence.sinks, sequence.position - table.resident};
  AttendArgs args = head_args(program_, i, memory, slots, scratch + kernels_.attend_scratch(program_.head_dim));
  const int64_t first_head = int64_t{part.head} * args.group * args.head_dim;
  const int64_t first_row = together ? 0 : sequence.first_row;
  args.q = row(i.a, first_row) + first_head;
  args.out = row(i.out, first_row) + first_head;
  args.pair_begin = part.pair_begin;
  args.pair_end = part.pair_end;
  args.span_begin = part.span_begin;
  args.span_end = part.span_end;
  args.partials = part.partials < 0 ? nullptr : step_.partials.data() + part.partials;
  args.resident = table.resident;
  args.position = sequence.position;
  args.scratch = scratch;
  if (part.member >= 0) {
    args.carry = step_.carry.data() + part.head * carry_floats(i);
    args.carry_pairs = step_.shared.count() * args.group;
    args.carry_pair = part.member * args.group;
  }
  if (together) args.members = step_.shared.members() + part.member;
  return args;
}

}  // namespace kvasir
