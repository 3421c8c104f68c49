// Moves the slots that are kept to the front, head by head, and folds values of the others into them where asked to.
#include <math.h>

#include <algorithm>

#include "page-jobs.h"
#include "status.h"
#include "value-merge.h"

namespace kvasir {

namespace {

// Heads are merged together as long as that takes no more memory than this.
constexpr uint64_t kMergeBytes = 64 << 20;

class Compaction final : public Job {
 public:
  Compaction(std::shared_ptr<PageMemory> memory, const kvs_compaction* heads, int32_t count)
      : memory_(std::move(memory)) {
    heads_.reserve(static_cast<size_t>(count));
    for (int32_t h = 0; h < count; ++h) heads_.push_back(copy_head(heads[h], h));
    check_overlap();
  }

  void run(Device& device) override {
    for (size_t begin = 0, end = 0; begin < heads_.size(); begin = end) {
      uint64_t bytes = 0;
      do {
        bytes += merge_bytes(heads_[end++]);
      } while (independent_ && end < heads_.size() && bytes + merge_bytes(heads_[end]) <= kMergeBytes);
      compact(device, begin, end);
    }
  }

 private:
  struct Head {
    std::vector<int32_t> source, keep, destination;
    int32_t merge_slots;  // 0: none
    float merge_threshold;
  };
  using Merges = std::vector<std::unique_ptr<ValueMerge>>;

  Head copy_head(const kvs_compaction& head, int32_t h) const {
    const int32_t page_tokens = memory_->spec().page_tokens;
    check_range({"heads", h, "source_pages"}, head.source_pages, 0, INT32_MAX);
    const int64_t slots = static_cast<int64_t>(head.source_pages) * page_tokens;
    check_range({"heads", h, "kept"}, head.kept, 0, slots);
    if (head.kept > 0) check_pointer({"heads", h, "keep"}, head.keep);
    const int64_t pages = (int64_t{head.kept} + page_tokens - 1) / page_tokens;
    memory_->check_pages({"heads", h, "source"}, head.source, head.source_pages);
    memory_->check_pages({"heads", h, "destination"}, head.destination, pages);
    Head copy = {{head.source, head.source + head.source_pages},
                 {head.keep, head.keep + head.kept},
                 {head.destination, head.destination + pages},
                 0,
                 0};
    for (int32_t i = 0; i < head.kept; ++i) {
      const int32_t low = i == 0 ? 0 : copy.keep[static_cast<size_t>(i) - 1] + 1;
      const int32_t slot = copy.keep[static_cast<size_t>(i)];
      if (slot >= low && slot < slots) continue;
      invalid("heads[%d].keep[%d] is %d; expected %d to %lld, ascending", h, i, slot, low,
              static_cast<long long>(slots - 1));
    }
    check_range({"heads", h, "merge"}, head.merge, 0, 1);
    if (head.merge == 0) return copy;
    check_range({"heads", h, "merge_slots"}, head.merge_slots, 0, slots);
    if (!(fabsf(head.merge_threshold) <= 1)) {
      invalid("heads[%d].merge_threshold is %g; expected -1 to 1", h, static_cast<double>(head.merge_threshold));
    }
    // Nothing is kept that values could go to.
    if (head.kept > 0) copy.merge_slots = head.merge_slots;
    copy.merge_threshold = head.merge_threshold;
    return copy;
  }

  // Heads run at once only where none names a page that another writes.
  void check_overlap() {
    PageMarks& marks = memory_->marks();
    marks.clear();
    for (size_t h = 0; h < heads_.size(); ++h) {
      const std::vector<int32_t>& destination = heads_[h].destination;
      for (size_t i = 0; i < destination.size(); ++i) {
        const int64_t writer = marks.owner(destination[i]);
        if (writer == static_cast<int64_t>(h)) {
          invalid("heads[%zu].destination[%zu] is page %d, which is written twice", h, i, destination[i]);
        }
        if (writer != PageMarks::kNone) independent_ = false;
        marks.mark(destination[i], static_cast<int64_t>(h));
      }
    }
    for (size_t h = 0; h < heads_.size(); ++h) {
      for (const int32_t page : heads_[h].source) {
        const int64_t writer = marks.owner(page);
        if (writer != PageMarks::kNone && writer != static_cast<int64_t>(h)) independent_ = false;
      }
    }
  }

  uint64_t merge_bytes(const Head& head) const {
    if (head.merge_slots == 0) return 0;
    return ValueMerge::bytes(memory_->spec().head_dim, head.keep.size(), static_cast<uint64_t>(head.merge_slots));
  }

  // Heads [begin, end), all at once.
  void compact(Device& device, size_t begin, size_t end) {
    WorkerPool& pool = device.pool();
    const Merges merges = find_merges(device, begin, end);
    pool.run(static_cast<int64_t>(end - begin), [&](int64_t h, int) {
      const Head& head = heads_[begin + static_cast<size_t>(h)];
      ValueMerge* merge = merges[static_cast<size_t>(h)].get();
      if (merge != nullptr) merge->fold();
      move_slots(head);
      if (merge != nullptr) merge->write(head.destination.data());
    });
  }

  // One entry for each of heads [begin, end), null where nothing is merged; evicted slots know where they go.
  Merges find_merges(Device& device, size_t begin, size_t end) {
    Merges merges(end - begin);
    struct Part {
      ValueMerge* merge;
      int64_t index;
    };
    std::vector<Part> key_parts, evicted_parts;
    for (size_t h = begin; h < end; ++h) {
      const Head& head = heads_[h];
      if (head.merge_slots == 0) continue;
      merges[h - begin] = std::make_unique<ValueMerge>(*memory_, device.kernels(), head.source, head.keep,
                                                       head.merge_slots, head.merge_threshold);
      ValueMerge* merge = merges[h - begin].get();
      for (int64_t i = 0; i < merge->key_parts(); ++i) key_parts.push_back({merge, i});
      for (int64_t i = 0; i < merge->evicted_parts(); ++i) evicted_parts.push_back({merge, i});
    }
    if (key_parts.empty()) return merges;
    device.reserve_scratch(ValueMerge::scratch(memory_->spec().head_dim));
    device.pool().run(static_cast<int64_t>(key_parts.size()), [&](int64_t part, int) {
      const Part& at = key_parts[static_cast<size_t>(part)];
      at.merge->lay_out(at.index);
    });
    device.pool().run(static_cast<int64_t>(evicted_parts.size()), [&](int64_t part, int worker) {
      const Part& at = evicted_parts[static_cast<size_t>(part)];
      at.merge->find(at.index, device.scratch(worker));
    });
    return merges;
  }

  // In slot order: in place, slots only move down, so what is overwritten has been read.
  void move_slots(const Head& head) const {
    const auto tokens = static_cast<size_t>(memory_->spec().page_tokens);
    for (size_t i = 0; i < head.keep.size();) {
      const auto slot = static_cast<size_t>(head.keep[i]);
      // Neighbours that stay neighbours move together.
      const size_t most = std::min({tokens - slot % tokens, tokens - i % tokens, head.keep.size() - i});
      size_t run = 1;
      while (run < most && static_cast<size_t>(head.keep[i + run]) == slot + run) ++run;
      memory_->copy_slots(memory_->place(head.source.data(), static_cast<int64_t>(slot)),
                          memory_->place(head.destination.data(), static_cast<int64_t>(i)), run);
      i += run;
    }
  }

  std::shared_ptr<PageMemory> memory_;
  std::vector<Head> heads_;
  bool independent_ = true;
};

}  // namespace

std::unique_ptr<Job> make_compaction(std::shared_ptr<PageMemory> memory, const kvs_compaction* heads, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("heads", heads);
  return std::make_unique<Compaction>(std::move(memory), heads, count);
}

}  // namespace kvasir
