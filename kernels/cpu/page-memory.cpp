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
  check_range("head_dim", spec.head_dim, 2, 1024);
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
      norms_(checked_product(slots(spec), sizeof(float))),
      marks_(spec.pages) {}

void PageMemory::copy_slots(uint64_t from, uint64_t to, uint64_t count) {
  if (from == to) return;
  memmove(keys() + to * slot_bytes_, keys() + from * slot_bytes_, count * slot_bytes_);
  memmove(values() + to * slot_bytes_, values() + from * slot_bytes_, count * slot_bytes_);
  memmove(positions() + to, positions() + from, count * sizeof(int32_t));
  memmove(norms() + to, norms() + from, count * sizeof(float));
}

void PageMemory::check_pages(const char* field, const int32_t* pages, int64_t count) const {
  if (count > 0) check_pointer(field, pages);
  for (int64_t i = 0; i < count; ++i) {
    if (pages[i] >= 0 && pages[i] < spec_.pages) continue;
    invalid("%s[%lld] is %d; expected 0 to %d", field, static_cast<long long>(i), pages[i], spec_.pages - 1);
  }
}

}  // namespace kvasir
