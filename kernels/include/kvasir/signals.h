/* What eviction policies go by: attention added up per slot, and queries that are kept. */
#ifndef KVASIR_ABI_SIGNALS_H
#define KVASIR_ABI_SIGNALS_H

#include <stdint.h>

#include "kvasir/pages.h"
#include "kvasir/program.h"
#include "kvasir/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvs_queries kvs_queries;

typedef enum { KVS_MEAN = 0, KVS_MAX = 1, KVS_SUM = 2 } kvs_reduce;

/* How a step adds attention up per slot; see step.ts. */
typedef struct {
  int32_t reduce;
  float temperature; /* 1e-6 to 1e6 */
  int32_t noise;     /* 1: with Gumbel noise of noise_seed */
  uint32_t noise_seed;
} kvs_collection;

/* The newest `window` queries (1 to 512) of one sequence in every layer that attends. */
kvs_status kvs_queries_create(kvs_program* program, int32_t window, kvs_queries** queries, uint64_t* bytes);
void kvs_queries_close(kvs_queries* queries);

typedef enum { KVS_ATTENTION_TOTAL = 0, KVS_ATTENTION_COUNT = 1, KVS_ATTENTION_EXPECTED = 2 } kvs_measure;

typedef struct {
  kvs_queries* queries;
  int32_t kv_layer, kv_head;
  const int32_t* pages;
  int32_t slots;
  int32_t position;
  int32_t sinks;
  int32_t measure;
  int32_t window;
  int32_t reduce;
  float threshold;
  int32_t future;
  float* out; /* [slots] */
} kvs_attention_read;

/* What the newest queries say about slots; see attention-read.ts. */
kvs_status kvs_attention_read_run(kvs_program* program, kvs_pages* pages, const kvs_attention_read* reads,
                                  int32_t count, kvs_callback callback, void* user);

#ifdef __cplusplus
}
#endif

#endif
