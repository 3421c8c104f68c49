/* Weights: views of mapped files, copies, and packed ones. */
#ifndef KVASIR_ABI_TENSOR_H
#define KVASIR_ABI_TENSOR_H

#include <stdint.h>

#include "kvasir/device.h"
#include "kvasir/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pages hold the first three. The others are the block formats of GGUF files, for weights of rank 2 whose
 * rows are whole blocks. */
typedef enum {
  KVS_F32 = 0, KVS_F16 = 1, KVS_BF16 = 2,
  KVS_Q8_0 = 3, KVS_Q4_0 = 4, KVS_Q4_1 = 5, KVS_Q5_0 = 6, KVS_Q5_1 = 7,
  KVS_Q4_K = 8, KVS_Q5_K = 9, KVS_Q6_K = 10
} kvs_dtype;

typedef struct kvs_file kvs_file;
typedef struct kvs_tensor kvs_tensor;

kvs_status kvs_file_map(const char* path, kvs_file** file, uint64_t* size);
void kvs_file_close(kvs_file* file);

/* rank 1 or 2, every dimension at least 1. The view must lie inside the file. */
kvs_status kvs_tensor_view(kvs_file* file, kvs_dtype dtype, int32_t rank, const int64_t* shape,
                           uint64_t offset, kvs_tensor** tensor);
/* Copies `bytes` bytes, which must be what the shape takes. */
kvs_status kvs_tensor_copy(kvs_dtype dtype, int32_t rank, const int64_t* shape, const void* data,
                           uint64_t bytes, kvs_tensor** tensor);
/* Begins to lay a weight [outputs, inputs] out for products, quantising it where it holds floats: dtype is the
 * weight's own block format, or Q8_0, Q4_0 or Q4_K for floats. Pages of a mapped file that were read go back to
 * the system. *packed is no weight before the callback has reported success, and is to be closed in any case. */
kvs_status kvs_tensor_pack(kvs_device* device, kvs_tensor* weight, kvs_dtype dtype, kvs_tensor** packed,
                           kvs_callback callback, void* user);
/* Bytes of memory or of a file that a tensor stands for. */
uint64_t kvs_tensor_bytes(const kvs_tensor* tensor);
void kvs_tensor_close(kvs_tensor* tensor);

#ifdef __cplusplus
}
#endif

#endif
