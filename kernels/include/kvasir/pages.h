/* Page memory: keys and values of single heads, and what compaction and reading do with them. */
#ifndef KVASIR_ABI_PAGES_H
#define KVASIR_ABI_PAGES_H

#include <stdint.h>

#include "kvasir/device.h"
#include "kvasir/status.h"
#include "kvasir/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvs_pages kvs_pages;

typedef struct {
  int32_t pages;
  int32_t page_tokens; /* 16 or 32 */
  int32_t head_dim;    /* even, 2 to 1024 */
  kvs_dtype dtype;
} kvs_pages_spec;

kvs_status kvs_pages_create(kvs_device* device, const kvs_pages_spec* spec, kvs_pages** pages,
                            uint64_t* page_bytes);
void kvs_pages_close(kvs_pages* pages);

kvs_status kvs_pages_copy(kvs_pages* pages, const int32_t* from, const int32_t* to, int32_t count,
                          kvs_callback callback, void* user);

/* Bytes of whole pages, count * page_bytes of them: keys, values, positions and sums of one page after another, as
 * this machine holds them. What was read can be written to any pages of the same page_tokens, head_dim and dtype. */
kvs_status kvs_pages_read_bytes(kvs_pages* pages, const int32_t* ids, int32_t count, uint8_t* out,
                                kvs_callback callback, void* user);
/* No page twice. */
kvs_status kvs_pages_write_bytes(kvs_pages* pages, const int32_t* ids, int32_t count, const uint8_t* bytes,
                                 kvs_callback callback, void* user);

/* One head: slot keep[i] of the source pages becomes slot i of the destination pages. */
typedef struct {
  const int32_t* source;
  int32_t source_pages;
  const int32_t* keep; /* ascending */
  int32_t kept;
  const int32_t* destination; /* ceil(kept / page_tokens); entry i may equal source entry i */
  int32_t merge;              /* 1: values of slots below merge_slots that are not kept are folded into kept ones */
  int32_t merge_slots;
  float merge_threshold; /* -1 to 1 */
} kvs_compaction;

kvs_status kvs_pages_compact(kvs_pages* pages, const kvs_compaction* heads, int32_t count,
                             kvs_callback callback, void* user);

typedef enum {
  KVS_POSITION = 0, KVS_KEY_NORM = 1, KVS_KEYS = 2, KVS_VALUES = 3, KVS_VALUE_NORM = 4, KVS_ATTENTION_SUM = 5
} kvs_slot_data;

typedef struct {
  const int32_t* pages;
  int32_t slots;
  float* out; /* [slots] or [slots, head_dim] */
} kvs_slot_read;

kvs_status kvs_pages_read(kvs_pages* pages, kvs_slot_data data, const kvs_slot_read* tables, int32_t count,
                          kvs_callback callback, void* user);

#ifdef __cplusplus
}
#endif

#endif
