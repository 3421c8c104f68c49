#include "tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kvasir {

uint64_t element_bytes(kvs_dtype dtype) { return dtype == KVS_F32 ? 4 : 2; }

void check_dtype(const char* field, int32_t dtype) { check_range(field, dtype, KVS_F32, KVS_BF16); }

MappedFile::MappedFile(const char* path) {
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(KVS_IO, "cannot open %.120s: %s", path, strerror(errno));
  struct stat information;
  const bool known = fstat(descriptor, &information) == 0;
  if (!known || !S_ISREG(information.st_mode)) {
    close(descriptor);
    fail(KVS_IO, "%.120s is not a regular file", path);
  }
  size_ = static_cast<uint64_t>(information.st_size);
  void* data = size_ == 0 ? nullptr : mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor, 0);
  const int error = errno;
  close(descriptor);
  if (data == MAP_FAILED) fail(KVS_IO, "cannot map %.120s: %s", path, strerror(error));
  data_ = static_cast<const uint8_t*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), size_);
}

Shape::Shape(int32_t rank_, const int64_t* sizes_) : rank(rank_), sizes{1, 1}, elements(1) {
  check_range("rank", rank, 1, 2);
  check_pointer("shape", sizes_);
  for (int32_t i = 0; i < rank; ++i) {
    check_range(i == 0 ? "shape[0]" : "shape[1]", sizes_[i], 1, INT32_MAX);
    sizes[i] = sizes_[i];
    elements *= static_cast<uint64_t>(sizes_[i]);
  }
}

Tensor::Tensor(std::shared_ptr<const MappedFile> file, kvs_dtype dtype, const Shape& shape, uint64_t offset)
    : dtype_(dtype), shape_(shape) {
  const uint64_t bytes = shape.elements * element_bytes(dtype);  // below 2^64, as both sizes are below 2^31
  if (bytes > file->size() || offset > file->size() - bytes) {
    invalid("offset is %llu and the tensor takes %llu bytes; the file has %llu",
            static_cast<unsigned long long>(offset), static_cast<unsigned long long>(bytes),
            static_cast<unsigned long long>(file->size()));
  }
  const uint8_t* data = file->data() + offset;
  if (reinterpret_cast<uintptr_t>(data) % element_bytes(dtype) != 0) {
    copy(data, bytes);
  } else {
    data_ = data;
    file_ = std::move(file);
  }
}

Tensor::Tensor(kvs_dtype dtype, const Shape& shape, const void* data, uint64_t bytes) : dtype_(dtype), shape_(shape) {
  const uint64_t expected = shape.elements * element_bytes(dtype);
  if (bytes != expected) {
    invalid("bytes is %llu; the shape takes %llu", static_cast<unsigned long long>(bytes),
            static_cast<unsigned long long>(expected));
  }
  copy(data, bytes);
}

void Tensor::copy(const void* data, uint64_t bytes) {
  copy_.reset(new uint8_t[bytes]);
  memcpy(copy_.get(), data, bytes);
  data_ = copy_.get();
}

}  // namespace kvasir
