#include "large-memory.h"

#include <sys/mman.h>

#include <new>

namespace kvasir {

LargeMemory::~LargeMemory() {
  if (data_ != nullptr) munmap(data_, mapped_);
}

void LargeMemory::allocate(uint64_t bytes) {
  constexpr uint64_t kSmallPage = 4096;
  if (bytes > UINT64_MAX - kSmallPage) throw std::bad_alloc();
  const uint64_t mapped = (bytes + kSmallPage - 1) / kSmallPage * kSmallPage;
  void* data = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  madvise(data, mapped, MADV_HUGEPAGE);  // a wish: refusing it changes nothing but speed
#endif
  data_ = static_cast<uint8_t*>(data);
  mapped_ = mapped;
}

}  // namespace kvasir
