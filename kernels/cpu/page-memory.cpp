#include "page-memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tensor.h"

namespace kvasir {

namespace {

#if defined(MAP_NORESERVE)
constexpr int kMapping = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
constexpr int kMapping = MAP_PRIVATE | MAP_ANONYMOUS;
#endif

const kvs_pages_spec& checked(const kvs_pages_spec& spec) {
  check_range("pages", spec.pages, 1, INT32_MAX);
  if (spec.page_tokens != 16 && spec.page_tokens != 32) {
    invalid("page_tokens is %d; expected 16 or 32", spec.page_tokens);
  }
  check_range("head_dim", spec.head_dim, 2, kMaxHeadDim);
  if (spec.head_dim % 2 != 0) invalid("head_dim is %d; expected an even number", spec.head_dim);
  check_dtype("dtype", spec.dtype);
  return spec;
}

uint64_t slots(const kvs_pages_spec& spec) {
  return static_cast<uint64_t>(spec.pages) * static_cast<uint64_t>(spec.page_tokens);
}

}  // namespace

Region::Region(uint64_t bytes) : bytes_(bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kMapping, -1, 0);
  if (data == MAP_FAILED) {
    fail(KVS_OUT_OF_MEMORY, "cannot reserve %llu bytes for pages: %s", static_cast<unsigned long long>(bytes),
         strerror(errno));
  }
  data_ = static_cast<uint8_t*>(data);
}

Region::~Region() { munmap(data_, bytes_); }

PageMemory::PageMemory(std::shared_ptr<Device> device, const kvs_pages_spec& spec)
    : device_(std::move(device)),
      spec_(checked(spec)),
      slot_bytes_(static_cast<uint64_t>(spec.head_dim) * element_bytes(spec.dtype)),
      page_bytes_(static_cast<uint64_t>(spec.page_tokens) * (2 * slot_bytes_ + sizeof(int32_t) + sizeof(float))),
      keys_(checked_product(slots(spec), slot_bytes_)),
      values_(checked_product(slots(spec), slot_bytes_)),
      positions_(checked_product(slots(spec), sizeof(int32_t))),
      attention_sums_(checked_product(slots(spec), sizeof(float))),
      marks_(spec.pages) {}

// The first element of a slot's key; the next ones follow at distances of page_tokens.
template <class Element>
Element* PageMemory::key_column(uint64_t place) const {
  const auto tokens = static_cast<uint64_t>(spec_.page_tokens);
  return reinterpret_cast<Element*>(keys() + place / tokens * tokens * slot_bytes_) + place % tokens;
}

namespace {

template <class Element>
void gather(const Element* column, int32_t stride, int32_t count, void* vector) {
  auto* to = static_cast<Element*>(vector);
  for (int32_t i = 0; i < count; ++i) to[i] = column[int64_t{i} * stride];
}

template <class Element>
void scatter(const void* vector, Element* column, int32_t stride, int32_t count) {
  const auto* from = static_cast<const Element*>(vector);
  for (int32_t i = 0; i < count; ++i) column[int64_t{i} * stride] = from[i];
}

}  // namespace

void PageMemory::read(kvs_slot_data data, uint64_t place, void* vector) const {
  if (data == KVS_VALUES) {
    memcpy(vector, values() + place * slot_bytes_, slot_bytes_);
  } else if (spec_.dtype == KVS_F32) {
    gather(key_column<uint32_t>(place), spec_.page_tokens, spec_.head_dim, vector);
  } else {
    gather(key_column<uint16_t>(place), spec_.page_tokens, spec_.head_dim, vector);
  }
}

void PageMemory::write(kvs_slot_data data, uint64_t place, const void* vector) {
  if (data == KVS_VALUES) {
    memcpy(values() + place * slot_bytes_, vector, slot_bytes_);
  } else if (spec_.dtype == KVS_F32) {
    scatter(vector, key_column<uint32_t>(place), spec_.page_tokens, spec_.head_dim);
  } else {
    scatter(vector, key_column<uint16_t>(place), spec_.page_tokens, spec_.head_dim);
  }
}

std::array<PageMemory::Part, 4> PageMemory::parts(int32_t page) const {
  const auto tokens = static_cast<uint64_t>(spec_.page_tokens);
  const auto part = [&](const Region& region, uint64_t bytes_of_slot) {
    const uint64_t bytes = tokens * bytes_of_slot;
    return Part{region.data() + static_cast<uint64_t>(page) * bytes, bytes};
  };
  return {part(keys_, slot_bytes_), part(values_, slot_bytes_), part(positions_, sizeof(int32_t)),
          part(attention_sums_, sizeof(float))};
}

void PageMemory::read_page(int32_t page, uint8_t* bytes) const {
  for (const Part& part : parts(page)) {
    memcpy(bytes, part.data, part.bytes);
    bytes += part.bytes;
  }
}

void PageMemory::write_page(int32_t page, const uint8_t* bytes) {
  for (const Part& part : parts(page)) {
    memcpy(part.data, bytes, part.bytes);
    bytes += part.bytes;
  }
}

template <class Element>
void PageMemory::copy_keys(uint64_t from, uint64_t to, uint64_t count) {
  const Element* source = key_column<Element>(from);
  Element* target = key_column<Element>(to);
  for (int32_t i = 0; i < spec_.head_dim; ++i, source += spec_.page_tokens, target += spec_.page_tokens) {
    if (count == 1) {
      *target = *source;
    } else {
      memmove(target, source, count * sizeof(Element));
    }
  }
}

void PageMemory::copy_slots(uint64_t from, uint64_t to, uint64_t count) {
  if (from == to) return;
  if (count == static_cast<uint64_t>(spec_.page_tokens)) {
    memcpy(keys() + to * slot_bytes_, keys() + from * slot_bytes_, count * slot_bytes_);
  } else if (spec_.dtype == KVS_F32) {
    copy_keys<uint32_t>(from, to, count);
  } else {
    copy_keys<uint16_t>(from, to, count);
  }
  memmove(values() + to * slot_bytes_, values() + from * slot_bytes_, count * slot_bytes_);
  memmove(positions() + to, positions() + from, count * sizeof(int32_t));
  memmove(attention_sums() + to, attention_sums() + from, count * sizeof(float));
}

void PageMemory::check_pages(const FieldName& field, const int32_t* pages, int64_t count) const {
  if (count > 0) check_pointer(field, pages);
  for (int64_t i = 0; i < count; ++i) {
    if (pages[i] >= 0 && pages[i] < spec_.pages) continue;
    invalid("%s[%lld] is %d; expected 0 to %d", field.text().chars, static_cast<long long>(i), pages[i], spec_.pages - 1);
  }
}

}  // namespace kvasir
