// What one level (instruction set) implements. Plain data and function pointers only: this header is
// compiled with and without AVX, so it must hold no inline function that the linker could merge.
#ifndef KVASIR_KERNEL_TABLE_H
#define KVASIR_KERNEL_TABLE_H

#include <stdint.h>

#include "kvasir.h"

namespace kvasir {

// out[r][o] = weight[o] . x[r] (+ bias[o]) (+ residual[r][o]) for o in [begin, end).
struct LinearArgs {
  const float* x;  // [rows, inputs]
  int64_t rows;
  int64_t inputs;
  const void* weight;  // [outputs, inputs]
  kvs_dtype dtype;
  const float* bias;      // [outputs] or null
  const float* residual;  // [rows, outputs] or null; may be out
  float* out;             // [rows, outputs]
  int64_t outputs;
  int64_t begin, end;
};

// Products of quantised weights may read rows of activations up to the next multiple of this, whatever they hold.
constexpr int kReadableRows = 16;

// Rows of activations rounded to int8 in blocks of 32: x is about value * scale of its block. A block with
// anything that is not finite has the scale NaN and values 0.
struct QuantRows {
  int8_t* values;  // [rows, inputs], from -127 to 127
  float* scales;   // [rows, inputs / 32]
  int32_t* sums;   // [rows, inputs / 16]: of 16 values each
};

// As LinearArgs, of a packed quantised weight (quant/packed-layout.h). begin is a multiple of 16; end too,
// unless it is outputs. inputs is a multiple of the format's block.
struct QuantLinearArgs {
  QuantRows x;
  int64_t rows;
  int64_t inputs;
  const uint8_t* weight;
  kvs_dtype dtype;
  const float* bias;      // [outputs] or null
  const float* residual;  // [rows, outputs] or null; may be out
  float* out;             // [rows, outputs]
  int64_t outputs;
  int64_t begin, end;
};

// How many (row, query head) pairs one call of `attend` may take.
constexpr int32_t kAttendPairs = 64;
// Slots are taken in spans of this many, cut at multiples of it. What a span gives is computed on its own
// and merged in the order of the spans: so one thread may do all spans of a pair, or several threads some each.
constexpr int32_t kAttendSpan = 256;

// Slots of a page at most; a page has 16 or 32.
constexpr int32_t kMaxPageTokens = 32;

// A sequence of one row that attends to some pages together with others.
struct AttendMember {
  int32_t row;  // counted from that of AttendArgs::q
  int32_t position;
};

// Attention of some pairs that read the same KV head. Pair i is row i / group and query head i % group of those that
// share the KV head. The rows are of one sequence, or each is a sequence's only one.
struct AttendArgs {
  const float* q;      // first row's first query head of this KV head
  float* out;          // same place in the output
  int64_t row_stride;  // elements from row to row, of q and out
  int64_t pair_begin, pair_end;
  int64_t span_begin, span_end;
  int32_t group;
  int32_t head_dim;
  float scale;
  int32_t strict;
  int32_t window;
  int32_t resident;  // slot of the first row
  int32_t position;  // of the first row
  int32_t page_tokens;
  kvs_dtype dtype;
  const int32_t* pages;   // of this sequence and KV head
  const uint8_t* keys;    // page memory: [pages, head_dim, page_tokens]
  const uint8_t* values;  // [pages, page_tokens, head_dim]
  const int32_t* positions;  // [pages, page_tokens]
  // The first `sinks` slots are scored with the query turned back by these angles.
  int32_t sinks;
  int32_t turned_pairs;
  int32_t interleaved;
  const float* turn_cos;  // [turned_pairs]
  const float* turn_sin;
  float* scratch;  // attend_scratch(head_dim) floats, aligned to 64 bytes
  // Where spans are left for `merge_spans`: attend_partial(head_dim, pairs) floats of each, from span_begin on.
  // Null: `attend` merges the spans itself.
  float* partials;
  // One partial of carry_pairs pairs, or null. Those from carry_pair on are what all spans before span_begin gave to
  // this call's pairs, which is nothing before span 0, and the spans here are merged into them.
  float* carry;
  int64_t carry_pairs, carry_pair;
  // Where not null, row r is that of members[r], which sees all slots of the spans but for `window`, and the spans are
  // merged into `carry` only: `out` is for a later call to finish. `pages` are those of any of them.
  const AttendMember* members;
};

// What a row of queries sees: slots below `slots`, of positions above `after` and at most `until`.
struct ObservedRow {
  int64_t query;  // elements from AttendArgs::q to its first query head of this KV head
  int32_t slots, after, until;
};

// How what the query heads that share a KV head pay becomes one number for a row and slot (kvs_reduce); the sum of
// rows is weighted by `share`. What a row adds to a slot does not depend on the rows, pairs and slots beside it.
struct ObserveArgs {
  // Of the pairs [pair_begin, pair_end): their queries, and how they are scored. `strict`, `window`, `resident`,
  // `position`, `out`, `values`, spans and partials are not looked at: `rows` say what is visible.
  AttendArgs attend;
  int64_t head_stride;      // elements from query head to query head
  const ObservedRow* rows;  // from that of pair_begin on
  const float* noise;       // [slots, up to a whole page], added to scores; or null
  int32_t reduce;
  float share;
  // Above 0: a pair pays 1 where its softmax is at least threshold / (slots that it sees), and 0 elsewhere.
  float threshold;
  float* sums;               // of slot s: at s, with room for whole pages, or
  const int32_t* sum_pages;  // at slot s % page_tokens of page sum_pages[s / page_tokens], where this is not null
};

// Rows that one call of `nearest_columns` takes at most, and columns of a block.
constexpr int32_t kNearestRows = 48;
constexpr int32_t kNearestBlock = 64;

// The column whose dot product with a row is the greatest; the later one among equals.
struct NearestArgs {
  const float* rows;  // [count, head_dim]
  int64_t count;
  const float* columns;  // [blocks, head_dim, kNearestBlock]; what is no number is nearest to nothing
  int64_t blocks;
  int64_t head_dim;
  float* greatest;   // [count], the product
  int32_t* nearest;  // [count], the column; -1 where no product is a number
  float* scratch;    // [kNearestRows * head_dim]
};

struct KernelTable {
  const char* name;
  void (*linear)(const LinearArgs&);
  // Each of `runs` runs of n elements: out = x / sqrt(mean(x^2) + eps) * weight.
  void (*rms_norm)(const float* x, const float* weight, float* out, int64_t runs, int64_t n, float eps);
  // One row of heads; cos and sin [pairs] hold the row's angles, scale included.
  void (*rope)(const float* x, float* out, const float* cos, const float* sin, int64_t heads, int64_t head_dim,
               int64_t pairs, int32_t interleaved);
  void (*swiglu)(const float* gate, const float* up, float* out, int64_t count);
  void (*add)(const float* a, const float* b, float* out, int64_t count);
  void (*widen)(kvs_dtype dtype, const void* from, float* to, int64_t count);
  // Rounds to nearest, ties to even.
  void (*narrow)(kvs_dtype dtype, const float* from, void* to, int64_t count);
  float (*norm)(const float* x, int64_t count);
  void (*attend)(const AttendArgs&);
  int64_t (*attend_scratch)(int32_t head_dim);
  // Merges the partials of the spans [span_begin, span_end), and finishes `out` unless there are members.
  void (*merge_spans)(const AttendArgs&);
  // Floats of one partial for some pairs; 0: this level has none, and takes all spans of one sequence at once.
  int64_t (*attend_partial)(int32_t head_dim, int64_t pairs);
  // x [rows, inputs], inputs a multiple of 32. Every level gives the same bits: of each block of 32, in f32,
  //   scale = max|x| / 127, value = x * (127 / max|x|) rounded to the nearest whole number, ties to even;
  // where 127 / max|x| is not finite (a block of zeros, or of less than 3.8e-37) the values are 0.
  void (*quantize_rows)(const float* x, int64_t rows, int64_t inputs, const QuantRows& out);
  // Sums of exact integer dot products of blocks, times both scales, in ascending order of blocks.
  void (*quant_linear)(const QuantLinearArgs&);
  // Adds what some rows pay to the sums of slots, row after row. At most kAttendPairs pairs: those of whole rows, or
  // of a part of one; the calls for the parts of a row follow each other with the same scratch.
  void (*observe)(const ObserveArgs&);
  // Floats of scratch for so many pairs that see up to so many slots.
  int64_t (*observe_scratch)(int32_t head_dim, int64_t pairs, int64_t slots);
  // sums[s] = softmax over the slots s < rows[0].slots of m + v / 2, m and v the mean and the variance of the scores
  // of the pairs, any number of them. Noise, threshold, reduce, share and sum_pages are not looked at. There is room
  // for sums of whole spans.
  void (*expect)(const ObserveArgs&);
  int64_t (*expect_scratch)(int32_t head_dim, int64_t slots);
  // L2 norms of the columns of x [rows, columns], columns a multiple of 16.
  void (*column_norms)(const float* x, int64_t rows, int64_t columns, float* norms);
  void (*nearest_columns)(const NearestArgs&);
};

const KernelTable* kvs_reference_kernels();
const KernelTable* kvs_baseline_kernels();
const KernelTable* kvs_avx2_kernels();
const KernelTable* kvs_avx512_kernels();
const KernelTable* kvs_avx512vnni_kernels();
const KernelTable* kvs_amx_kernels();
const KernelTable* kvs_neon_kernels();
const KernelTable* kvs_neondot_kernels();

}  // namespace kvasir

#endif
