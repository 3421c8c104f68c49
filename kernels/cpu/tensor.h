// Mapped files and tensors: views of a file, copies, and weights packed for products.
#ifndef KVASIR_TENSOR_H
#define KVASIR_TENSOR_H

#include <atomic>
#include <memory>
#include <vector>

#include "kernel-table.h"
#include "large-memory.h"
#include "quant/blocks.h"
#include "status.h"

namespace kvasir {

// Of the formats that are no blocks.
uint64_t element_bytes(kvs_dtype dtype);
// What pages can hold, and what weights can.
void check_dtype(const char* field, int32_t dtype);
void check_weight_dtype(const char* field, int32_t dtype);

class MappedFile {
 public:
  explicit MappedFile(const char* path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }
  // Lets the system take the memory of whole pages in this range back; they are read again when they are used again.
  void hand_back(const uint8_t* from, uint64_t bytes) const;

 private:
  const uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
};

struct Shape {
  int32_t rank;
  int64_t sizes[2];  // the second is 1 for rank 1
  uint64_t elements;

  Shape(int32_t rank, const int64_t* sizes);
};

// Bytes of a row of `count` elements, which are whole blocks.
uint64_t row_bytes(kvs_dtype dtype, int64_t count);

class Tensor {
 public:
  // A view that is not aligned to its elements is copied.
  Tensor(std::shared_ptr<const MappedFile> file, kvs_dtype dtype, const Shape& shape, uint64_t offset);
  Tensor(kvs_dtype dtype, const Shape& shape, const void* data, uint64_t bytes);
  // A weight that is packed later: see PackJob.
  Tensor(kvs_dtype dtype, const Shape& shape);

  kvs_dtype dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  uint64_t bytes() const { return bytes_; }
  const uint8_t* data() const { return data_; }
  bool packed() const { return packed_; }
  // False while a packed weight is not finished, and where its packing failed.
  bool ready() const { return ready_.load(std::memory_order_acquire); }

  // Of a view of a file: nobody reads these bytes soon.
  void hand_back(uint64_t offset, uint64_t bytes) const;
  uint8_t* packed_memory() { return memory_.data(); }
  void set_ready() { ready_.store(true, std::memory_order_release); }

 private:
  void check_blocks() const;
  void copy(const void* data);

  kvs_dtype dtype_;
  Shape shape_;
  bool packed_ = false;
  std::atomic<bool> ready_{true};
  uint64_t bytes_ = 0;
  std::shared_ptr<const MappedFile> file_;
  std::unique_ptr<uint8_t[]> copy_;
  LargeMemory memory_;
  const uint8_t* data_ = nullptr;
};

}  // namespace kvasir

#endif
