// The quantised block formats of ggml that weights come in, little-endian, at any alignment. Whatever the
// bytes are, nothing here fails: a scale that is not finite gives values that are not finite.
#ifndef KVASIR_QUANT_BLOCKS_H
#define KVASIR_QUANT_BLOCKS_H

#include <stdint.h>

#include "kvasir.h"

namespace kvasir {

bool is_quantized(kvs_dtype dtype);

// How many values a block holds and how many bytes it takes; 1 and the element's size for f32, f16 and bf16.
int64_t block_values(kvs_dtype dtype);
uint64_t block_bytes(kvs_dtype dtype);

// The `count` values (whole blocks of a quantised type) that the blocks stand for, bit for bit as the
// format's reference implementation has them.
void dequantize_row(kvs_dtype dtype, const uint8_t* blocks, int64_t count, float* out);

// Rounds `count` values (whole blocks) to q8_0, q4_0 or q4_k; others are not written. A block with a value
// that is not finite stands for nothing but NaN.
void quantize_row(kvs_dtype dtype, const float* x, int64_t count, uint8_t* blocks);

}  // namespace kvasir

#endif
