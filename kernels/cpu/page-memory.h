// The bytes behind page ids: per page its keys [head_dim, page_tokens], so that attention scores neighbouring slots
// at once, its values [page_tokens, head_dim], and per slot a position and the attention that it received.
#ifndef KVASIR_PAGE_MEMORY_H
#define KVASIR_PAGE_MEMORY_H

#include <array>
#include <memory>
#include <vector>

#include "device.h"

namespace kvasir {

// Zeroed address space; the system gives memory for it when it is first written.
class Region {
 public:
  explicit Region(uint64_t bytes);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  uint8_t* data() const { return data_; }

 private:
  uint8_t* data_;
  uint64_t bytes_;
};

// Remembers which pages were named for writing, and by whom. Starting over costs nothing.
class PageMarks {
 public:
  static constexpr int64_t kNone = -1;
  explicit PageMarks(int32_t pages) : marks_(static_cast<uint64_t>(pages) * sizeof(Mark)) {}
  void clear() { ++round_; }
  int64_t owner(int32_t page) const { return at(page).round == round_ ? at(page).owner : kNone; }
  void mark(int32_t page, int64_t owner) { at(page) = {round_, owner}; }

 private:
  struct Mark {
    int64_t round, owner;
  };
  Mark& at(int32_t page) const { return reinterpret_cast<Mark*>(marks_.data())[page]; }

  int64_t round_ = 1;
  Region marks_;
};

constexpr int32_t kMaxHeadDim = 1024;

class PageMemory {
 public:
  PageMemory(std::shared_ptr<Device> device, const kvs_pages_spec& spec);

  const kvs_pages_spec& spec() const { return spec_; }
  const std::shared_ptr<Device>& device() const { return device_; }
  uint64_t page_bytes() const { return page_bytes_; }

  uint8_t* keys() const { return keys_.data(); }
  uint8_t* values() const { return values_.data(); }
  int32_t* positions() const { return reinterpret_cast<int32_t*>(positions_.data()); }
  // What steps that collect added up.
  float* attention_sums() const { return reinterpret_cast<float*>(attention_sums_.data()); }

  // Where slot `slot` of the pages is, counted in slots from the start of the memory.
  uint64_t place(const int32_t* pages, int64_t slot) const {
    return static_cast<uint64_t>(pages[slot / spec_.page_tokens]) * static_cast<uint64_t>(spec_.page_tokens) +
           static_cast<uint64_t>(slot % spec_.page_tokens);
  }
  // One slot's key or value (KVS_KEYS, KVS_VALUES): slot_bytes(), in the format of the pages.
  uint64_t slot_bytes() const { return slot_bytes_; }
  void read(kvs_slot_data data, uint64_t place, void* vector) const;
  void write(kvs_slot_data data, uint64_t place, const void* vector);
  // One page's keys, values, positions and sums, one after the other: page_bytes().
  void read_page(int32_t page, uint8_t* bytes) const;
  void write_page(int32_t page, const uint8_t* bytes);
  // As if slot by slot in ascending order. Neither the slots read nor those written may cross the end of a page.
  void copy_slots(uint64_t from, uint64_t to, uint64_t count);

  // For checking what is submitted; only the submitting thread uses it.
  PageMarks& marks() { return marks_; }
  void check_pages(const FieldName& field, const int32_t* pages, int64_t count) const;

 private:
  // What a page consists of, in the order of its bytes.
  struct Part {
    uint8_t* data;
    uint64_t bytes;
  };
  std::array<Part, 4> parts(int32_t page) const;
  template <class Element>
  Element* key_column(uint64_t place) const;
  template <class Element>
  void copy_keys(uint64_t from, uint64_t to, uint64_t count);

  std::shared_ptr<Device> device_;
  kvs_pages_spec spec_;
  uint64_t slot_bytes_;
  uint64_t page_bytes_;
  Region keys_, values_, positions_, attention_sums_;
  PageMarks marks_;
};

}  // namespace kvasir

#endif
