#include "query-window.h"

#include <algorithm>

namespace kvasir {

namespace {

// Where the queries of each attend begin, and at last where all end.
std::vector<uint64_t> offsets_of(const Program& program, int32_t window) {
  check_range("window", window, 1, kMaxQueryWindow);
  std::vector<uint64_t> offsets = {0};
  for (const size_t at : program.attends) {
    const auto width = program.buffers[static_cast<size_t>(program.instructions[at].a)].width;
    const uint64_t end = offsets.back() + checked_product(static_cast<uint64_t>(width), static_cast<uint64_t>(window));
    offsets.push_back(end);
  }
  return offsets;
}

}  // namespace

QueryWindow::QueryWindow(const std::shared_ptr<Program>& program, int32_t window)
    : program_(program),
      window_(window),
      head_dim_(program->head_dim),
      offsets_(offsets_of(*program, window)),
      bytes_(checked_product(offsets_.back() + static_cast<uint64_t>(window), sizeof(float))),
      memory_(bytes_),
      positions_(reinterpret_cast<int32_t*>(memory_.data()) + offsets_.back()) {}

void QueryWindow::begin(int32_t position, int32_t rows) {
  while (held_ > 0 && positions_[entry(0)] >= position) --held_;
  for (int32_t row = std::max(0, rows - window_); row < rows; ++row) {
    if (held_ == window_) {
      first_ = (first_ + 1) % window_;
    } else {
      ++held_;
    }
    positions_[entry(0)] = position + row;
  }
}

std::vector<QueryWindow::Held> QueryWindow::newest(int32_t count, int32_t position) const {
  int32_t later = 0;
  while (later < held_ && positions_[entry(later)] >= position) ++later;
  std::vector<Held> found;
  for (int32_t back = std::min(held_, later + count) - 1; back >= later; --back) {
    found.push_back({positions_[entry(back)], entry(back)});
  }
  return found;
}

}  // namespace kvasir
