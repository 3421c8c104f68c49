#include "value-merge.h"

#include <math.h>

#include <algorithm>

namespace kvasir {

namespace {

// Of a kept value: e to its similarity with itself.
const double kOwnWeight = exp(1.0);

int64_t blocks_of(uint64_t kept) { return static_cast<int64_t>((kept + kNearestBlock - 1) / kNearestBlock); }

uint64_t vector_floats(int64_t head_dim, uint64_t kept) {
  return static_cast<uint64_t>(blocks_of(kept)) * kNearestBlock * static_cast<uint64_t>(head_dim);
}

std::vector<int32_t> slots_not_in(const std::vector<int32_t>& keep, int32_t slots) {
  std::vector<int32_t> others;
  others.reserve(static_cast<size_t>(slots));
  auto next = keep.begin();
  for (int32_t slot = 0; slot < slots; ++slot) {
    if (next != keep.end() && *next == slot) {
      ++next;
    } else {
      others.push_back(slot);
    }
  }
  return others;
}

}  // namespace

uint64_t ValueMerge::scratch(int64_t head_dim) { return 2 * uint64_t{kNearestRows} * static_cast<uint64_t>(head_dim); }

uint64_t ValueMerge::bytes(int64_t head_dim, uint64_t kept, uint64_t evicted) {
  return vector_floats(head_dim, kept) * sizeof(float) + kept * sizeof(double) + evicted * 3 * sizeof(float);
}

ValueMerge::ValueMerge(PageMemory& memory, const KernelTable& kernels, const std::vector<int32_t>& source,
                       const std::vector<int32_t>& keep, int32_t slots, float threshold)
    : memory_(memory),
      kernels_(kernels),
      source_(source),
      keep_(keep),
      threshold_(threshold),
      dim_(memory.spec().head_dim),
      blocks_(blocks_of(keep.size())),
      evicted_(slots_not_in(keep, slots)),
      into_(evicted_.size(), -1),
      weights_(evicted_.size()),
      totals_(keep.size(), kOwnWeight) {
  vectors_.reserve(vector_floats(dim_, keep.size()));
}

// The key in double precision divided by its norm, so that no length that a format holds is too long or too short.
// Not a number where there is no direction.
void ValueMerge::read_unit(int64_t slot, float* unit) const {
  float stored[kMaxHeadDim];
  memory_.read(KVS_KEYS, memory_.place(source_.data(), slot), stored);
  kernels_.widen(memory_.spec().dtype, stored, unit, dim_);
  double even = 0, odd = 0;  // head_dim is even
  for (int64_t i = 0; i < dim_; i += 2) {
    even += static_cast<double>(unit[i]) * unit[i];
    odd += static_cast<double>(unit[i + 1]) * unit[i + 1];
  }
  const double inverse = 1 / sqrt(even + odd);
  for (int64_t i = 0; i < dim_; ++i) unit[i] = static_cast<float>(unit[i] * inverse);
}

void ValueMerge::read_value(int64_t slot, float* value) const {
  const uint8_t* stored = memory_.values() + memory_.place(source_.data(), slot) * memory_.slot_bytes();
  kernels_.widen(memory_.spec().dtype, stored, value, dim_);
}

void ValueMerge::lay_out(int64_t part) {
  float* block = vectors_.data() + part * dim_ * kNearestBlock;
  float unit[kMaxHeadDim];
  const int64_t first = part * kNearestBlock;
  const int64_t count = std::min<int64_t>(kNearestBlock, static_cast<int64_t>(keep_.size()) - first);
  for (int64_t j = 0; j < count; ++j) {
    read_unit(keep_[static_cast<size_t>(first + j)], unit);
    for (int64_t i = 0; i < dim_; ++i) block[i * kNearestBlock + j] = unit[i];
  }
  for (int64_t i = 0; i < dim_; ++i) std::fill(block + i * kNearestBlock + count, block + (i + 1) * kNearestBlock, NAN);
}

int64_t ValueMerge::evicted_parts() const {
  return (static_cast<int64_t>(evicted_.size()) + kNearestRows - 1) / kNearestRows;
}

void ValueMerge::find(int64_t part, float* scratch) {
  const int64_t first = part * kNearestRows;
  const int64_t count = std::min<int64_t>(kNearestRows, static_cast<int64_t>(evicted_.size()) - first);
  for (int64_t r = 0; r < count; ++r) read_unit(evicted_[static_cast<size_t>(first + r)], scratch + r * dim_);
  float* weights = weights_.data() + first;
  int32_t* into = into_.data() + first;
  kernels_.nearest_columns(
      {scratch, count, vectors_.data(), blocks_, dim_, weights, into, scratch + kNearestRows * dim_});
  for (int64_t r = 0; r < count; ++r) {
    if (into[r] < 0) continue;
    const double similarity = cosine(scratch + r * dim_, into[r]);
    weights[r] = static_cast<float>(exp(similarity));
    if (similarity < threshold_) into[r] = -1;
  }
}

// Of a unit key and that of keep_[i], both rounded to f32: of equal keys exactly 1, of opposite ones -1.
double ValueMerge::cosine(const float* unit, int64_t i) const {
  const float* other = vectors_.data() + i / kNearestBlock * dim_ * kNearestBlock + i % kNearestBlock;
  double product = 0, squares = 0, other_squares = 0;
  for (int64_t d = 0; d < dim_; ++d) {
    const double a = unit[d], b = other[d * kNearestBlock];
    product += a * b;
    squares += a * a;
    other_squares += b * b;
  }
  return std::min(1.0, std::max(-1.0, product / sqrt(squares * other_squares)));
}

void ValueMerge::fold() {
  for (size_t e = 0; e < evicted_.size(); ++e) {
    if (into_[e] >= 0) totals_[static_cast<size_t>(into_[e])] += weights_[e];
  }
  for (size_t i = 0; i < keep_.size(); ++i) {
    if (totals_[i] == kOwnWeight) continue;
    float* value = vectors_.data() + static_cast<int64_t>(i) * dim_;
    read_value(keep_[i], value);
    const auto share = static_cast<float>(kOwnWeight / totals_[i]);
    for (int64_t d = 0; d < dim_; ++d) value[d] *= share;
  }
  float evicted[kMaxHeadDim];
  for (size_t e = 0; e < evicted_.size(); ++e) {
    if (into_[e] < 0) continue;
    read_value(evicted_[e], evicted);
    const auto share = static_cast<float>(weights_[e] / totals_[static_cast<size_t>(into_[e])]);
    float* value = vectors_.data() + into_[e] * dim_;
    for (int64_t d = 0; d < dim_; ++d) value[d] += share * evicted[d];
  }
}

void ValueMerge::write(const int32_t* destination) {
  float stored[kMaxHeadDim];
  for (size_t i = 0; i < keep_.size(); ++i) {
    if (totals_[i] == kOwnWeight) continue;
    kernels_.narrow(memory_.spec().dtype, vectors_.data() + static_cast<int64_t>(i) * dim_, stored, dim_);
    memory_.write(KVS_VALUES, memory_.place(destination, static_cast<int64_t>(i)), stored);
  }
}

}  // namespace kvasir
