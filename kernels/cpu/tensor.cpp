#include "tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quant/packed-layout.h"

namespace kvasir {

uint64_t element_bytes(kvs_dtype dtype) { return dtype == KVS_F32 ? 4 : 2; }

void check_dtype(const char* field, int32_t dtype) { check_range(field, dtype, KVS_F32, KVS_BF16); }

void check_weight_dtype(const char* field, int32_t dtype) { check_range(field, dtype, KVS_F32, KVS_Q6_K); }

uint64_t row_bytes(kvs_dtype dtype, int64_t count) {
  return static_cast<uint64_t>(count / block_values(dtype)) * block_bytes(dtype);
}

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

void MappedFile::hand_back(const uint8_t* from, uint64_t bytes) const {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(from) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(from) + bytes) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
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

namespace {

// Below 2^64, as both sizes are below 2^31.
uint64_t stored_bytes(kvs_dtype dtype, const Shape& shape) {
  if (shape.rank == 1) return row_bytes(dtype, shape.sizes[0]);
  return static_cast<uint64_t>(shape.sizes[0]) * row_bytes(dtype, shape.sizes[1]);
}

}  // namespace

void Tensor::check_blocks() const {
  if (!is_quantized(dtype_)) return;
  const int64_t values = block_values(dtype_);
  if (shape_.rank != 2) invalid("rank is %d; expected 2 for a tensor in blocks", shape_.rank);
  if (shape_.sizes[1] % values != 0) {
    invalid("shape[1] is %lld; expected a multiple of the %lld values of a block",
            static_cast<long long>(shape_.sizes[1]), static_cast<long long>(values));
  }
}

Tensor::Tensor(std::shared_ptr<const MappedFile> file, kvs_dtype dtype, const Shape& shape, uint64_t offset)
    : dtype_(dtype), shape_(shape) {
  check_blocks();
  bytes_ = stored_bytes(dtype, shape);
  if (bytes_ > file->size() || offset > file->size() - bytes_) {
    invalid("offset is %llu and the tensor takes %llu bytes; the file has %llu",
            static_cast<unsigned long long>(offset), static_cast<unsigned long long>(bytes_),
            static_cast<unsigned long long>(file->size()));
  }
  const uint8_t* data = file->data() + offset;
  if (!is_quantized(dtype) && reinterpret_cast<uintptr_t>(data) % element_bytes(dtype) != 0) {
    copy(data);
  } else {
    data_ = data;
    file_ = std::move(file);
  }
}

Tensor::Tensor(kvs_dtype dtype, const Shape& shape, const void* data, uint64_t bytes)
    : dtype_(dtype), shape_(shape), bytes_(bytes) {
  check_blocks();
  const uint64_t expected = stored_bytes(dtype, shape);
  if (bytes != expected) {
    invalid("bytes is %llu; the shape takes %llu", static_cast<unsigned long long>(bytes),
            static_cast<unsigned long long>(expected));
  }
  copy(data);
}

Tensor::Tensor(kvs_dtype dtype, const Shape& shape) : dtype_(dtype), shape_(shape), packed_(true), ready_(false) {
  check_blocks();
  bytes_ = packed_bytes(dtype, shape.sizes[0], shape.sizes[1]);
  memory_.allocate(bytes_);
  data_ = memory_.data();
}

void Tensor::hand_back(uint64_t offset, uint64_t bytes) const {
  if (file_ != nullptr) file_->hand_back(data_ + offset, bytes);
}

void Tensor::copy(const void* data) {
  copy_.reset(new uint8_t[bytes_]);
  memcpy(copy_.get(), data, bytes_);
  data_ = copy_.get();
}

}  // namespace kvasir
