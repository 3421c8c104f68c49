#include "page-jobs.h"

#include <stdio.h>

#include <algorithm>

#include "status.h"

namespace kvasir {

namespace {

// "heads[3].keep", for messages; made only where it is needed, in memory of the caller.
struct FieldName {
  char text[48];
  FieldName(const char* list, int32_t index, const char* field) {
    snprintf(text, sizeof text, "%s[%d].%s", list, index, field);
  }
};

class PageCopy final : public Job {
 public:
  PageCopy(std::shared_ptr<PageMemory> memory, const int32_t* from, const int32_t* to, int32_t count)
      : memory_(std::move(memory)), from_(from, from + count), to_(to, to + count) {
    memory_->check_pages("from", from_.data(), count);
    memory_->check_pages("to", to_.data(), count);
  }

  void run(Device&) override {
    const auto tokens = static_cast<uint64_t>(memory_->spec().page_tokens);
    for (size_t i = 0; i < from_.size(); ++i) {
      memory_->copy_slots(static_cast<uint64_t>(from_[i]) * tokens, static_cast<uint64_t>(to_[i]) * tokens, tokens);
    }
  }

 private:
  std::shared_ptr<PageMemory> memory_;
  std::vector<int32_t> from_, to_;
};

class Compaction final : public Job {
 public:
  Compaction(std::shared_ptr<PageMemory> memory, const kvs_compaction* heads, int32_t count)
      : memory_(std::move(memory)) {
    heads_.reserve(static_cast<size_t>(count));
    for (int32_t h = 0; h < count; ++h) heads_.push_back(copy_head(heads[h], h));
    check_overlap();
  }

  void run(Device& device) override {
    if (!independent_) {
      for (const Head& head : heads_) compact(head);
      return;
    }
    device.pool().run(static_cast<int64_t>(heads_.size()),
                      [this](int64_t h, int) { compact(heads_[static_cast<size_t>(h)]); });
  }

 private:
  struct Head {
    std::vector<int32_t> source, keep, destination;
  };

  Head copy_head(const kvs_compaction& head, int32_t h) const {
    const int32_t page_tokens = memory_->spec().page_tokens;
    check_range(FieldName("heads", h, "source_pages").text, head.source_pages, 0, INT32_MAX);
    const int64_t slots = static_cast<int64_t>(head.source_pages) * page_tokens;
    check_range(FieldName("heads", h, "kept").text, head.kept, 0, slots);
    if (head.kept > 0) check_pointer(FieldName("heads", h, "keep").text, head.keep);
    const int64_t pages = (int64_t{head.kept} + page_tokens - 1) / page_tokens;
    memory_->check_pages(FieldName("heads", h, "source").text, head.source, head.source_pages);
    memory_->check_pages(FieldName("heads", h, "destination").text, head.destination, pages);
    Head copy = {{head.source, head.source + head.source_pages},
                 {head.keep, head.keep + head.kept},
                 {head.destination, head.destination + pages}};
    for (int32_t i = 0; i < head.kept; ++i) {
      const int32_t low = i == 0 ? 0 : copy.keep[static_cast<size_t>(i) - 1] + 1;
      const int32_t slot = copy.keep[static_cast<size_t>(i)];
      if (slot >= low && slot < slots) continue;
      invalid("heads[%d].keep[%d] is %d; expected %d to %lld, ascending", h, i, slot, low,
              static_cast<long long>(slots - 1));
    }
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

  // In slot order: in place, slots only move down, so what is overwritten has been read.
  void compact(const Head& head) const {
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

class SlotRead final : public Job {
 public:
  SlotRead(std::shared_ptr<PageMemory> memory, kvs_slot_data data, const kvs_slot_read* tables, int32_t count)
      : memory_(std::move(memory)), data_(data) {
    check_range("data", data, KVS_POSITION, KVS_ATTENTION_SUM);
    tables_.reserve(static_cast<size_t>(count));
    const int32_t page_tokens = memory_->spec().page_tokens;
    for (int32_t i = 0; i < count; ++i) {
      const kvs_slot_read& table = tables[i];
      check_range(FieldName("tables", i, "slots").text, table.slots, 0, INT32_MAX - page_tokens);
      if (table.slots > 0) check_pointer(FieldName("tables", i, "out").text, table.out);
      const int32_t pages = (table.slots + page_tokens - 1) / page_tokens;
      memory_->check_pages(FieldName("tables", i, "pages").text, table.pages, pages);
      tables_.push_back({{table.pages, table.pages + pages}, table.slots, table.out});
    }
  }

  void run(Device& device) override {
    device.pool().run(static_cast<int64_t>(tables_.size()), [&](int64_t i, int) {
      const Table& table = tables_[static_cast<size_t>(i)];
      for (int32_t slot = 0; slot < table.slots; ++slot) {
        read_slot(device.kernels(), memory_->place(table.pages.data(), slot), slot, table.out);
      }
    });
  }

 private:
  struct Table {
    std::vector<int32_t> pages;
    int32_t slots;
    float* out;
  };

  void read_slot(const KernelTable& kernels, uint64_t place, int32_t slot, float* out) const {
    const int64_t width = memory_->spec().head_dim;
    if (data_ == KVS_POSITION) {
      out[slot] = static_cast<float>(memory_->positions()[place]);
    } else if (data_ == KVS_KEY_NORM || data_ == KVS_VALUE_NORM) {
      float vector[kMaxHeadDim];
      float widened[kMaxHeadDim];
      memory_->read(data_ == KVS_KEY_NORM ? KVS_KEYS : KVS_VALUES, place, vector);
      kernels.widen(memory_->spec().dtype, vector, widened, width);
      out[slot] = kernels.norm(widened, width);
    } else if (data_ == KVS_ATTENTION_SUM) {
      out[slot] = memory_->attention_sums()[place];
    } else {
      float vector[kMaxHeadDim];
      memory_->read(data_, place, vector);
      kernels.widen(memory_->spec().dtype, vector, out + slot * width, width);
    }
  }

  std::shared_ptr<PageMemory> memory_;
  kvs_slot_data data_;
  std::vector<Table> tables_;
};

}  // namespace

std::unique_ptr<Job> make_page_copy(std::shared_ptr<PageMemory> memory, const int32_t* from, const int32_t* to,
                                    int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("from", from);
  if (count > 0) check_pointer("to", to);
  return std::make_unique<PageCopy>(std::move(memory), from, to, count);
}

std::unique_ptr<Job> make_compaction(std::shared_ptr<PageMemory> memory, const kvs_compaction* heads, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("heads", heads);
  return std::make_unique<Compaction>(std::move(memory), heads, count);
}

std::unique_ptr<Job> make_slot_read(std::shared_ptr<PageMemory> memory, kvs_slot_data data,
                                    const kvs_slot_read* tables, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("tables", tables);
  return std::make_unique<SlotRead>(std::move(memory), data, tables, count);
}

}  // namespace kvasir
