// Attention over the pages of a step: how it is shared among the threads.
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

// Calls f for the tiles of the window. The last rows see the most slots: they go first, so that the threads
// end together.
template <class Function>
void Executor::each_tile(const kvs_instruction& i, const Window& window, const Function& f) const {
  const int64_t group = width(i.out) / program_.head_dim / program_.kv_heads;
  // Whole rows, where a row fits.
  const int64_t most = group <= kAttendPairs ? kAttendPairs / group * group : kAttendPairs;
  for (size_t s = window.first_sequence; s < window.first_sequence + window.sequence_count; ++s) {
    const StepSequence& sequence = step_.sequences[s];
    const int64_t pairs = sequence.rows * group;
    for (int64_t begin = (pairs - 1) / most * most; begin >= 0; begin -= most) {
      const int64_t end = std::min(begin + most, pairs);
      for (int32_t head = 0; head < program_.kv_heads; ++head) {
        const int64_t slots = step_.table(sequence, i.i0, head).resident + (end - 1) / group + (i.i1 != 0 ? 0 : 1);
        f(AttendPart{s, head, begin, end, 0, ceil_div(slots, kAttendSpan), -1});
      }
    }
  }
}

void Executor::attend(size_t at, const Window& window) {
  const kvs_instruction& i = program_.instructions[at];
  std::vector<AttendPart>& parts = step_.attend_parts;
  std::vector<AttendPart>& merges = step_.attend_merges;
  parts.clear();
  merges.clear();
  const bool splits = pool_.threads() > 1 && kernels_.attend_partial(program_.head_dim, 1) > 0;
  int64_t work = 0;  // in pairs times spans
  if (splits) {
    each_tile(i, window, [&](const AttendPart& tile) { work += (tile.pair_end - tile.pair_begin) * tile.span_end; });
  }
  const int64_t fair = ceil_div(work, kPartsPerThread * pool_.threads());
  int64_t partials = 0;
  each_tile(i, window, [&](const AttendPart& tile) {
    const int64_t pairs = tile.pair_end - tile.pair_begin;
    const int64_t count = splits ? std::min(ceil_div(pairs * tile.span_end, std::max(fair, int64_t{1})), tile.span_end) : 1;
    const int64_t floats = count > 1 ? tile.span_end * kernels_.attend_partial(program_.head_dim, pairs) : 0;
    if (count <= 1 || partials + floats > kMostPartials) return parts.push_back(tile);
    AttendPart part = tile;
    part.partials = partials;
    partials += floats;
    merges.push_back(part);
    for (int64_t k = 0; k < count; ++k) {
      part.span_begin = tile.span_end * k / count;
      part.span_end = tile.span_end * (k + 1) / count;
      parts.push_back(part);
    }
  });
  step_.partials.reserve(static_cast<uint64_t>(partials));
  pool_.run(static_cast<int64_t>(parts.size()), [&](int64_t item, int worker) {
    kernels_.attend(attend_args(i, parts[static_cast<size_t>(item)], worker));
  });
  pool_.run(static_cast<int64_t>(merges.size()), [&](int64_t item, int worker) {
    kernels_.merge_spans(attend_args(i, merges[static_cast<size_t>(item)], worker));
  });
  if (step_.has_queries) keep_queries(at, window);
  if (step_.collects) collect(i, window);
}

AttendArgs Executor::attend_args(const kvs_instruction& i, const AttendPart& part, int worker) const {
  const PageMemory& memory = *step_.memory;
  const StepSequence& sequence = step_.sequences[part.sequence];
  const StepJob::Table table = step_.table(sequence, i.i0, part.head);
  float* scratch = device_.scratch(worker);
  AttendArgs args = head_args(program_, i, memory, {table.pages, sequence.sinks, sequence.position - table.resident},
                              scratch + kernels_.attend_scratch(program_.head_dim));
  const int64_t first_head = int64_t{part.head} * args.group * args.head_dim;
  args.q = row(i.a, sequence.first_row) + first_head;
  args.out = row(i.out, sequence.first_row) + first_head;
  args.pair_begin = part.pair_begin;
  args.pair_end = part.pair_end;
  args.span_begin = part.span_begin;
  args.span_end = part.span_end;
  args.partials = part.partials < 0 ? nullptr : step_.partials.data() + part.partials;
  args.resident = table.resident;
  args.position = sequence.position;
  args.scratch = scratch;
  return args;
}

}  // namespace kvasir
