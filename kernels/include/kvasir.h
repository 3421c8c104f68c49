/* The C ABI between Kvasir and a backend: device, tensor, page memory, program, step.
 *
 * Every function returns a status; no exception and no abort crosses this line. Functions may be
 * called from any one thread at a time; what is submitted runs in order on the device's own thread
 * and ends with one call of its callback there. Arrays handed to a submitted call belong to the
 * caller and must stay until that callback. Handles are reference-counted inside: closing one while
 * work that uses it is under way is safe, the memory goes when the last user is gone.
 * Semantics of instructions and steps: packages/kernels/src/program.ts and step.ts.
 */
#ifndef KVASIR_H
#define KVASIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVS_ABI_VERSION 4

typedef enum {
  KVS_OK = 0, KVS_INVALID_ARGUMENT = 1, KVS_OUT_OF_MEMORY = 2, KVS_UNSUPPORTED = 3, KVS_IO = 4, KVS_INTERNAL = 5
} kvs_code;

typedef struct {
  kvs_code code;
  char message[252]; /* empty when code is KVS_OK; always terminated */
} kvs_status;

/* Pages hold the first three. The others are the block formats of GGUF files, for weights of rank 2 whose
 * rows are whole blocks. */
typedef enum {
  KVS_F32 = 0, KVS_F16 = 1, KVS_BF16 = 2,
  KVS_Q8_0 = 3, KVS_Q4_0 = 4, KVS_Q4_1 = 5, KVS_Q5_0 = 6, KVS_Q5_1 = 7,
  KVS_Q4_K = 8, KVS_Q5_K = 9, KVS_Q6_K = 10
} kvs_dtype;

typedef struct kvs_device kvs_device;
typedef struct kvs_file kvs_file;
typedef struct kvs_tensor kvs_tensor;
typedef struct kvs_pages kvs_pages;
typedef struct kvs_program kvs_program;
typedef struct kvs_queries kvs_queries;

typedef void (*kvs_callback)(void* user, const kvs_status* status);

int32_t kvs_abi_version(void);

/* ---- device ---------------------------------------------------------------------------------- */

/* Comma-separated levels that this machine can run, slowest first ("reference,baseline,avx2"). Static string. */
const char* kvs_levels(void);

/* level: one of kvs_levels(), or NULL for the best. threads: 1 to 256. */
kvs_status kvs_device_open(const char* level, int32_t threads, kvs_device** device);
/* The level in use. Lives as long as the device. */
const char* kvs_device_level(const kvs_device* device);
/* Waits for what was submitted, then stops the threads. Not from a callback, which runs on one of them. */
void kvs_device_close(kvs_device* device);

/* READ: bytes a second that all threads together read from a buffer. FLOAT and BYTE: operations a second with f32 and
 * with 8-bit integers, by the instructions of the level, in registers; a multiplication and an addition count as two. */
typedef enum { KVS_PROBE_READ = 0, KVS_PROBE_FLOAT = 1, KVS_PROBE_BYTE = 2 } kvs_probe_kind;

/* Measures for about `seconds` (up to 60) and gives the best pass. bytes: of the buffer of READ, whole MiB. */
kvs_status kvs_probe(kvs_device* device, kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second,
                     kvs_callback callback, void* user);

/* ---- files and tensors ----------------------------------------------------------------------- */

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

/* ---- page memory ----------------------------------------------------------------------------- */

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

/* ---- programs -------------------------------------------------------------------------------- */

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

/* ---- signals --------------------------------------------------------------------------------- */

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

/* ---- steps ----------------------------------------------------------------------------------- */

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
