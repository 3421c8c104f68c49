// The newest queries of one sequence in every layer that attends, in memory that the system gives as it is written.
#ifndef KVASIR_QUERY_WINDOW_H
#define KVASIR_QUERY_WINDOW_H

#include <memory>
#include <vector>

#include "page-memory.h"
#include "program.h"

namespace kvasir {

constexpr int32_t kMaxQueryWindow = 512;

class QueryWindow {
 public:
  // Throws where `window` is out of range, or the addresses cannot be had.
  QueryWindow(const std::shared_ptr<Program>& program, int32_t window);

  bool belongs_to(const std::shared_ptr<Program>& program) const {
    return !program_.owner_before(program) && !program.owner_before(program_);
  }
  int32_t window() const { return window_; }
  uint64_t bytes() const { return bytes_; }
  // False where the round's step has named it before; only for the submitting thread.
  bool name(uint64_t round) {
    const bool first = round_ != round;
    round_ = round;
    return first;
  }

  // The rest is only for the device's thread.

  // Forgets the queries at `position` and later ones, and makes room for those of so many rows from there on: for the
  // last of them, where there are more than the window.
  void begin(int32_t position, int32_t rows);
  struct Held {
    int32_t position;
    int64_t entry;
  };
  // At most `count`, the newest of those before `position`, in order.
  std::vector<Held> newest(int32_t count, int32_t position) const;
  // Where the newest query but `back` is kept.
  int64_t entry(int32_t back) const { return (first_ + held_ - 1 - back) % window_; }

  // Of one of the program's attends: [query heads, window, head_dim].
  float* queries(size_t attend) const { return reinterpret_cast<float*>(memory_.data()) + offsets_[attend]; }
  int64_t head_stride() const { return int64_t{window_} * head_dim_; }
  int64_t entry_stride() const { return head_dim_; }

 private:
  std::weak_ptr<Program> program_;
  int32_t window_, head_dim_;
  std::vector<uint64_t> offsets_;  // in floats
  uint64_t bytes_;
  Region memory_;  // the queries, then the positions [window]
  int32_t* positions_;
  int32_t first_ = 0, held_ = 0;  // entries in use: from the oldest on, around the end
  uint64_t round_ = 0;
};

}  // namespace kvasir

#endif
