// From the blocks of a file to the layout of packed-layout.h.
#ifndef KVASIR_QUANT_PACKING_H
#define KVASIR_QUANT_PACKING_H

#include <stdint.h>

#include "kvasir.h"

namespace kvasir {

// Writes groups [group_begin, group_end) of 16 outputs each. blocks: those of the whole weight [outputs, inputs],
// row after row, at any alignment. packed: the whole packed weight. To pack a weight piece by piece, pass 16
// rows at a time as a weight of their own.
void pack_groups(kvs_dtype dtype, const uint8_t* blocks, int64_t outputs, int64_t inputs, int64_t group_begin,
                 int64_t group_end, uint8_t* packed);

}  // namespace kvasir

#endif
