// Mapped files and tensors: views of a file, or memory of their own.
#ifndef KVASIR_TENSOR_H
#define KVASIR_TENSOR_H

#include <memory>
#include <vector>

#include "kernel-table.h"
#include "status.h"

namespace kvasir {

uint64_t element_bytes(kvs_dtype dtype);
void check_dtype(const char* field, int32_t dtype);

class MappedFile {
 public:
  explicit MappedFile(const char* path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return data_; }
  uint64_t size() const { return size_; }

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

class Tensor {
 public:
  // A view that is not aligned to its elements is copied.
  Tensor(std::shared_ptr<const MappedFile> file, kvs_dtype dtype, const Shape& shape, uint64_t offset);
  Tensor(kvs_dtype dtype, const Shape& shape, const void* data, uint64_t bytes);

  kvs_dtype dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const void* data() const { return data_; }

 private:
  void copy(const void* data, uint64_t bytes);

  kvs_dtype dtype_;
  Shape shape_;
  std::shared_ptr<const MappedFile> file_;
  std::unique_ptr<uint8_t[]> copy_;
  const void* data_ = nullptr;
};

}  // namespace kvasir

#endif
