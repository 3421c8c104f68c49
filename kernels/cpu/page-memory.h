// The bytes behind page ids: per page its keys, values, and per slot a position and a key norm.
#ifndef KVASIR_PAGE_MEMORY_H
#define KVASIR_PAGE_MEMORY_H

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

// Remembers which pages were named for writing. Starting over costs nothing.
class PageMarks {
 public:
  static constexpr int64_t kNone = -1;
  explicit PageMarks(int32_t pages) : stamps_(static_cast<size_t>(pages)), owners_(static_cast<size_t>(pages)) {}
  void clear();
  int64_t owner(int32_t page) const { return stamps_[static_cast<size_t>(page)] == stamp_ ? owners_[static_cast<size_t>(page)] : kNone; }
  void mark(int32_t page, int64_t owner);

 private:
  uint32_t stamp_ = 1;
  std::vector<uint32_t> stamps_;
  std::vector<int64_t> owners_;
};

class PageMemory {
 public:
  PageMemory(std::shared_ptr<Device> device, const kvs_pages_spec& spec);

  const kvs_pages_spec& spec() const { return spec_; }
  const std::shared_ptr<Device>& device() const { return device_; }
  uint64_t page_bytes() const { return page_bytes_; }
  // Bytes of one slot's key or value.
  uint64_t slot_bytes() const { return slot_bytes_; }

  uint8_t* keys() const { return keys_.data(); }
  uint8_t* values() const { return values_.data(); }
  int32_t* positions() const { return reinterpret_cast<int32_t*>(positions_.data()); }
  float* norms() const { return reinterpret_cast<float*>(norms_.data()); }

  // Where slot `slot` of the pages is, counted in slots from the start of the memory.
  uint64_t place(const int32_t* pages, int64_t slot) const {
    return static_cast<uint64_t>(pages[slot / spec_.page_tokens]) * static_cast<uint64_t>(spec_.page_tokens) +
           static_cast<uint64_t>(slot % spec_.page_tokens);
  }
  void copy_slots(uint64_t from, uint64_t to, uint64_t count);

  // For checking what is submitted; only the submitting thread uses it.
  PageMarks& marks() { return marks_; }
  void check_pages(const char* field, const int32_t* pages, int64_t count) const;

 private:
  std::shared_ptr<Device> device_;
  kvs_pages_spec spec_;
  uint64_t slot_bytes_;
  uint64_t page_bytes_;
  Region keys_, values_, positions_, norms_;
  PageMarks marks_;
};

}  // namespace kvasir

#endif
