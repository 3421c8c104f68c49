// The kernels of the level being compiled, in the namespace that KVASIR_LEVEL names.
#ifndef KVASIR_VECTOR_KERNELS_H
#define KVASIR_VECTOR_KERNELS_H

#include "kernel-table.h"

namespace kvasir {
namespace KVASIR_LEVEL {

void linear(const LinearArgs& args);
void rms_norm(const float* x, const float* weight, float* out, int64_t runs, int64_t n, float eps);
void rope(const float* x, float* out, const float* cos, const float* sin, int64_t heads, int64_t head_dim,
          int64_t pairs, int32_t interleaved);
void swiglu(const float* gate, const float* up, float* out, int64_t count);
void add_rows(const float* a, const float* b, float* out, int64_t count);
void widen(kvs_dtype dtype, const void* from, float* to, int64_t count);
void narrow(kvs_dtype dtype, const float* from, void* to, int64_t count);
float norm(const float* x, int64_t count);
void attend(const AttendArgs& args);
int64_t attend_scratch(int32_t head_dim);
void merge_spans(const AttendArgs& args);
int64_t attend_partial(int32_t head_dim, int64_t pairs);
void quantize_rows(const float* x, int64_t rows, int64_t inputs, const QuantRows& out);
void quant_linear(const QuantLinearArgs& args);
void observe(const ObserveArgs& args);
int64_t observe_scratch(int32_t head_dim, int64_t pairs, int64_t slots);
void expect(const ObserveArgs& args);
int64_t expect_scratch(int32_t head_dim, int64_t slots);
void column_norms(const float* x, int64_t rows, int64_t columns, float* norms);
void nearest_columns(const NearestArgs& args);

}  // namespace KVASIR_LEVEL
}  // namespace kvasir

#endif
