/* Steps: tokens of several sequences through a program. */
#ifndef KVASIR_ABI_STEP_H
#define KVASIR_ABI_STEP_H

#include <stdint.h>

#include "kvasir/pages.h"
#include "kvasir/program.h"
#include "kvasir/signals.h"
#include "kvasir/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int32_t rows;
  int32_t position;
  int32_t sinks;
  const int32_t* resident; /* [kv_layers * kv_heads] */
  const int32_t* pages;
  int32_t page_count;            /* sum over tables of ceil((resident + rows) / page_tokens) */
  kvs_queries* queries;          /* or NULL */
  const kvs_collection* collect; /* or NULL */
} kvs_sequence;

typedef struct {
  float temperature;
  int32_t top_k;
  float top_p, min_p;
  float repetition_penalty, presence_penalty, frequency_penalty;
  uint64_t seed, draw;
  const int32_t* history;
  int32_t history_count, prompt_length;
  const int32_t* bias_ids;
  const float* bias_values;
  int32_t bias_count;
  int32_t top_logprobs; /* -1: none */
  /* [ceil(vocab_size / 32)]: bit (id & 31) of word (id >> 5) is 1 where the token may be drawn; NULL: all may. Not
   * copied, so that it must not change before the callback. */
  const uint32_t* allowed;
} kvs_sampling;

typedef struct {
  const int32_t* tokens;
  int32_t rows;
  const kvs_sequence* sequences;
  int32_t sequence_count;
  const int32_t* outputs;
  int32_t output_count;
  const kvs_sampling* sampling; /* [output_count], or NULL: sample nothing. The logits' width must be vocab_size */
} kvs_step;

/* Memory of the caller; a pointer may be NULL where that part is not wanted. */
typedef struct {
  int32_t* tokens;     /* [outputs] */
  float* logprobs;     /* [outputs] */
  int32_t* top_ids;    /* [outputs, top_stride] */
  float* top_logprobs; /* [outputs, top_stride] */
  int32_t top_stride;
  float* logits; /* [outputs, width of the logits] */
} kvs_step_result;

/* Checks the whole step before it is queued; then runs it. */
kvs_status kvs_run(kvs_program* program, kvs_pages* pages, const kvs_step* step, const kvs_step_result* result,
                   kvs_callback callback, void* user);

#ifdef __cplusplus
}
#endif

#endif
