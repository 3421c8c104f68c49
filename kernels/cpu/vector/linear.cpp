// Matrix product by dot products along the inputs. A (row, output) pair has one vector accumulator that
// takes the inputs in ascending order, then one reduction: the same sum whatever the tile around it.
#include "vector/kernels.h"
#include "vector/vec.h"

namespace kvasir {
namespace {

constexpr int kTileOutputs = 4;
constexpr int kLoneRowOutputs = 8;
// Rows whose inputs stay in the second-level cache while the weights pass by, in bytes.
constexpr int64_t kRowBlockBytes = 512 * 1024;

// Dot products of kRows rows with kOutputs outputs, both contiguous from x and weight on. `fetch` elements on lies
// what is read next: rows of a weight are often whole pages, and processors fetch ahead within a page only.
template <class Element, int kRows, int kOutputs>
inline void tile(const LinearArgs& a, const float* x, const typename Element::Bits* weight, int64_t row,
                 int64_t output, int64_t fetch = 0) {
  Vec sums[kOutputs][kRows];
  KVASIR_UNROLL
  for (int o = 0; o < kOutputs; ++o) {
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) sums[o][r] = zero();
  }
  const int64_t n = a.inputs;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Vec inputs[kRows];
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) inputs[r] = load(x + r * n + i);
    KVASIR_UNROLL
    for (int o = 0; o < kOutputs; ++o) {
      if constexpr (kRows == 1) __builtin_prefetch(weight + o * n + i + fetch, 0, 2);
      const Vec w = Element::load_lanes(weight + o * n + i);
      KVASIR_UNROLL
      for (int r = 0; r < kRows; ++r) sums[o][r] = fma(w, inputs[r], sums[o][r]);
    }
  }
  if (i < n) {
    Vec inputs[kRows];
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) inputs[r] = load_some(x + r * n + i, n - i);
    KVASIR_UNROLL
    for (int o = 0; o < kOutputs; ++o) {
      const Vec w = load_some<Element>(weight + o * n + i, n - i);
      KVASIR_UNROLL
      for (int r = 0; r < kRows; ++r) sums[o][r] = fma(w, inputs[r], sums[o][r]);
    }
  }
  KVASIR_UNROLL
  for (int o = 0; o < kOutputs; ++o) {
    const float bias = a.bias ? a.bias[output + o] : 0.0f;
    KVASIR_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = (row + r) * a.outputs + output + o;
      const float sum = reduce_add(sums[o][r]) + bias;
      a.out[at] = a.residual ? sum + a.residual[at] : sum;
    }
  }
}

// The rows that a whole tile does not cover.
template <class Element, int kRows, int kOutputs>
inline void last_rows(const LinearArgs& a, const float* x, const typename Element::Bits* weight, int64_t row,
                      int64_t rows, int64_t output) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return tile<Element, kRows, kOutputs>(a, x, weight, row, output);
    last_rows<Element, kRows - 1, kOutputs>(a, x, weight, row, rows, output);
  }
}

template <class Element, int kOutputs>
inline void rows_of(const LinearArgs& a, int64_t row_begin, int64_t row_end, int64_t output) {
  const auto* weight = static_cast<const typename Element::Bits*>(a.weight) + output * a.inputs;
  int64_t row = row_begin;
  for (; row + kTileRows <= row_end; row += kTileRows) {
    tile<Element, kTileRows, kOutputs>(a, a.x + row * a.inputs, weight, row, output);
  }
  last_rows<Element, kTileRows - 1, kOutputs>(a, a.x + row * a.inputs, weight, row, row_end - row, output);
}

template <class Element>
void product(const LinearArgs& a) {
  if (a.rows == 1) {
    const auto* weight = static_cast<const typename Element::Bits*>(a.weight);
    int64_t o = a.begin;
    for (; o + kLoneRowOutputs <= a.end; o += kLoneRowOutputs) {
      const int64_t next = o + 2 * kLoneRowOutputs <= a.end ? kLoneRowOutputs * a.inputs : 0;
      tile<Element, 1, kLoneRowOutputs>(a, a.x, weight + o * a.inputs, 0, o, next);
    }
    for (; o < a.end; ++o) tile<Element, 1, 1>(a, a.x, weight + o * a.inputs, 0, o);
    return;
  }
  int64_t block = kRowBlockBytes / (a.inputs * static_cast<int64_t>(sizeof(float))) / kTileRows * kTileRows;
  if (block < kTileRows) block = kTileRows;
  for (int64_t row = 0; row < a.rows; row += block) {
    const int64_t row_end = row + block < a.rows ? row + block : a.rows;
    int64_t o = a.begin;
    for (; o + kTileOutputs <= a.end; o += kTileOutputs) rows_of<Element, kTileOutputs>(a, row, row_end, o);
    for (; o < a.end; ++o) rows_of<Element, 1>(a, row, row_end, o);
  }
}

}  // namespace

namespace KVASIR_LEVEL {

void linear(const LinearArgs& args) {
  if (args.dtype == KVS_F32) {
    product<F32>(args);
  } else if (args.dtype == KVS_F16) {
    product<F16>(args);
  } else {
    product<BF16>(args);
  }
}

}  // namespace KVASIR_LEVEL
}  // namespace kvasir
