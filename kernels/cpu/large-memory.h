// Zeroed memory in large pages where the system has them: reading a gigabyte for each token misses fewer
// translations.
#ifndef KVASIR_LARGE_MEMORY_H
#define KVASIR_LARGE_MEMORY_H

#include <stdint.h>

namespace kvasir {

class LargeMemory {
 public:
  LargeMemory() = default;
  ~LargeMemory();
  LargeMemory(const LargeMemory&) = delete;
  LargeMemory& operator=(const LargeMemory&) = delete;

  // Once. Throws std::bad_alloc.
  void allocate(uint64_t bytes);
  uint8_t* data() const { return data_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t mapped_ = 0;
};

}  // namespace kvasir

#endif
