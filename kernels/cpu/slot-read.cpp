// Reads slots page by page: what lies transposed is worked on where it lies.
#include <algorithm>

#include "page-jobs.h"
#include "status.h"

namespace kvasir {

namespace {

// Pages of a table that one worker reads at a time.
constexpr int32_t kPartPages = 32;

// The first `count` columns of [rows, columns] to [count, rows]; rows is even.
void transpose(const float* from, int64_t rows, int64_t columns, int64_t count, float* to) {
  for (int64_t i = 0; i < rows; i += 2, from += 2 * columns) {
    for (int64_t j = 0; j < count; ++j) {
      const float first = from[j], second = from[columns + j];
      to[j * rows + i] = first;
      to[j * rows + i + 1] = second;
    }
  }
}

class SlotRead final : public Job {
 public:
  SlotRead(std::shared_ptr<PageMemory> memory, kvs_slot_data data, const kvs_slot_read* tables, int32_t count)
      : memory_(std::move(memory)), data_(data) {
    check_range("data", data, KVS_POSITION, KVS_ATTENTION_SUM);
    tables_.reserve(static_cast<size_t>(count));
    const int32_t page_tokens = memory_->spec().page_tokens;
    for (int32_t i = 0; i < count; ++i) {
      const kvs_slot_read& table = tables[i];
      check_range({"tables", i, "slots"}, table.slots, 0, INT32_MAX - page_tokens);
      if (table.slots > 0) check_pointer({"tables", i, "out"}, table.out);
      const int32_t pages = (table.slots + page_tokens - 1) / page_tokens;
      memory_->check_pages({"tables", i, "pages"}, table.pages, pages);
      tables_.push_back({{table.pages, table.pages + pages}, table.slots, table.out});
      for (int32_t page = 0; page < pages; page += kPartPages) parts_.push_back({i, page});
    }
  }

  void run(Device& device) override {
    const kvs_pages_spec& spec = memory_->spec();
    device.reserve_scratch(static_cast<uint64_t>(spec.page_tokens) * static_cast<uint64_t>(spec.head_dim));
    device.pool().run(static_cast<int64_t>(parts_.size()), [&](int64_t part, int worker) {
      const Part& at = parts_[static_cast<size_t>(part)];
      const Table& table = tables_[static_cast<size_t>(at.table)];
      const int32_t end = std::min(static_cast<int32_t>(table.pages.size()), at.page + kPartPages);
      for (int32_t page = at.page; page < end; ++page) {
        const int32_t slot = page * spec.page_tokens;
        read_page(device.kernels(), table.pages[static_cast<size_t>(page)],
                  std::min(spec.page_tokens, table.slots - slot), device.scratch(worker),
                  table.out + int64_t{slot} * width());
      }
    });
  }

 private:
  struct Table {
    std::vector<int32_t> pages;
    int32_t slots;
    float* out;
  };
  struct Part {
    int32_t table, page;
  };

  int64_t width() const { return data_ == KVS_KEYS || data_ == KVS_VALUES ? memory_->spec().head_dim : 1; }

  // The first `slots` slots of a page; scratch holds a page's keys in f32.
  void read_page(const KernelTable& kernels, int32_t page, int32_t slots, float* scratch, float* out) const {
    const kvs_pages_spec& spec = memory_->spec();
    const uint64_t place = static_cast<uint64_t>(page) * static_cast<uint64_t>(spec.page_tokens);
    const uint8_t* values = memory_->values() + place * memory_->slot_bytes();
    const int64_t dim = spec.head_dim;
    switch (data_) {
      case KVS_POSITION:
        std::copy_n(memory_->positions() + place, slots, out);
        break;
      case KVS_ATTENTION_SUM:
        std::copy_n(memory_->attention_sums() + place, slots, out);
        break;
      case KVS_KEYS:
        transpose(page_keys(kernels, place, scratch), dim, spec.page_tokens, slots, out);
        break;
      case KVS_VALUES:
        kernels.widen(spec.dtype, values, out, slots * dim);
        break;
      case KVS_KEY_NORM: {
        float norms[kMaxPageTokens];
        kernels.column_norms(page_keys(kernels, place, scratch), dim, spec.page_tokens, norms);
        std::copy_n(norms, slots, out);
        break;
      }
      case KVS_VALUE_NORM:
        kernels.widen(spec.dtype, values, scratch, slots * dim);
        for (int32_t slot = 0; slot < slots; ++slot) out[slot] = kernels.norm(scratch + slot * dim, dim);
        break;
    }
  }

  // A page's keys [head_dim, page_tokens] in f32: where they are, or widened to `scratch`.
  const float* page_keys(const KernelTable& kernels, uint64_t place, float* scratch) const {
    const kvs_pages_spec& spec = memory_->spec();
    const uint8_t* keys = memory_->keys() + place * memory_->slot_bytes();
    if (spec.dtype == KVS_F32) return reinterpret_cast<const float*>(keys);
    kernels.widen(spec.dtype, keys, scratch, int64_t{spec.page_tokens} * spec.head_dim);
    return scratch;
  }

  std::shared_ptr<PageMemory> memory_;
  kvs_slot_data data_;
  std::vector<Table> tables_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Job> make_slot_read(std::shared_ptr<PageMemory> memory, kvs_slot_data data,
                                    const kvs_slot_read* tables, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("tables", tables);
  return std::make_unique<SlotRead>(std::move(memory), data, tables, count);
}

}  // namespace kvasir
