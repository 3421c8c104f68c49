/* Programs: a model as instructions over buffers and tensors. */
#ifndef KVASIR_ABI_PROGRAM_H
#define KVASIR_ABI_PROGRAM_H

#include <stdint.h>

#include "kvasir/device.h"
#include "kvasir/status.h"
#include "kvasir/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvs_program kvs_program;

typedef enum {
  KVS_EMBED = 0,
  KVS_RMS_NORM = 1,
  KVS_LINEAR = 2,
  KVS_ROPE = 3,
  KVS_WRITE_KV = 4,
  KVS_ATTEND = 5,
  KVS_SWIGLU = 6,
  KVS_ADD = 7,
  KVS_GATHER_OUTPUTS = 8,
  KVS_ITERATE = 9,
  KVS_GATED = 10
} kvs_op;

/* Indices are -1 where an op has no such operand.
 *            out  a      b     c         i0       i1      i2      f0
 * embed      out  -      -     table
 * rms_norm   out  x      -     weight                             eps
 * linear     out  x      resid weight    bias
 * rope       out  x      -     -         rope
 * write_kv   -    k      v     -         kvLayer  rope (-1: k is stored as it is)
 * attend     out  q      -     -         kvLayer  strict  window  scale   i3 = rope
 * swiglu     out  gate   up
 * add        out  a      b
 * gather     out  x
 * gated      out  x      -     gate      up
 * iterate    -    -      -     -         body     passes  first   tolerance  i3 = count; kv_layer_lists[first .. first + count)
 * `c`, linear's `bias` and gated's `up` are tensors, out, a and b are buffers. Weights of linear and gated are
 * floats or packed; an embedding's table is not packed. */
typedef struct {
  int32_t op;
  int32_t out, a, b, c;
  int32_t i0, i1, i2, i3;
  float f0;
} kvs_instruction;

typedef struct {
  int32_t width;
  int32_t outputs; /* 1: rows are the outputs, 0: the tokens */
} kvs_buffer;

typedef struct {
  const double* inverse_frequencies;
  int32_t count;
  int32_t interleaved;
  double scale;
  double dynamic_base; /* 0: not dynamic */
  double dynamic_factor;
  int32_t dynamic_max_positions;
} kvs_rope;

/* logits: the buffer, of outputs, that steps return and sample from. */
typedef struct {
  int32_t kv_layers, kv_heads, head_dim, vocab_size, logits;
  const kvs_buffer* buffers;
  int32_t buffer_count;
  kvs_tensor* const* tensors;
  int32_t tensor_count;
  const kvs_rope* ropes;
  int32_t rope_count;
  const kvs_instruction* instructions;
  int32_t instruction_count;
  const int32_t* kv_layer_lists;
  int32_t kv_layer_list_count;
} kvs_program_spec;

kvs_status kvs_program_create(kvs_device* device, const kvs_program_spec* spec, kvs_program** program);
void kvs_program_close(kvs_program* program);

#ifdef __cplusplus
}
#endif

#endif
