// Folds the values of evicted slots of one head into those of similar kept ones, before and after the kept slots are
// moved: first everything is read, in parts that may run at once, then the kept values are written where they are now.
#ifndef KVASIR_VALUE_MERGE_H
#define KVASIR_VALUE_MERGE_H

#include <vector>

#include "page-memory.h"

namespace kvasir {

class ValueMerge {
 public:
  // Floats of scratch memory that `find` takes of its worker.
  static uint64_t scratch(int64_t head_dim);
  // Bytes of one merge, about.
  static uint64_t bytes(int64_t head_dim, uint64_t kept, uint64_t evicted);

  // Slots of `source` below `slots` that are not in `keep` (ascending) are folded; both vectors must outlive this.
  // Allocates all that it needs.
  ValueMerge(PageMemory& memory, const KernelTable& kernels, const std::vector<int32_t>& source,
             const std::vector<int32_t>& keep, int32_t slots, float threshold);

  // Parts of the first pass, which lays the kept keys out.
  int64_t key_parts() const { return blocks_; }
  void lay_out(int64_t part);
  // Parts of the second pass, which finds the kept slot for each evicted one.
  int64_t evicted_parts() const;
  void find(int64_t part, float* scratch);
  // Then the new values, while all slots are where they were,
  void fold();
  // and where slot keep[i] has become slot i of `destination`.
  void write(const int32_t* destination);

 private:
  void read_unit(int64_t slot, float* unit) const;
  void read_value(int64_t slot, float* value) const;
  double cosine(const float* unit, int64_t i) const;

  PageMemory& memory_;
  const KernelTable& kernels_;
  const std::vector<int32_t>& source_;
  const std::vector<int32_t>& keep_;
  const float threshold_;
  const int64_t dim_;
  const int64_t blocks_;
  std::vector<int32_t> evicted_;
  std::vector<int32_t> into_;     // per evicted slot: which of keep_, or -1
  std::vector<float> weights_;    // per evicted slot
  std::vector<double> totals_;    // per kept slot: its own weight and those folded into it
  FloatArray vectors_;            // unit keys [blocks, head_dim, kNearestBlock], then new values [kept, head_dim]
};

}  // namespace kvasir

#endif
