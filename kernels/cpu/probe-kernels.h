// Loops that show what a processor can do, for each level. As kernel-table.h: plain data and pointers only.
#ifndef KVASIR_PROBE_KERNELS_H
#define KVASIR_PROBE_KERNELS_H

#include <stdint.h>

namespace kvasir {

// What they return depends on all that they did, so that no compiler leaves it out.
struct ProbeKernels {
  const char* level;
  // Multiplies and adds in registers; a multiplication and an addition count as two operations.
  int64_t float_operations;  // of one round
  float (*multiply_floats)(float factor, int64_t rounds);
  int64_t byte_operations;  // of one round
  int32_t (*multiply_bytes)(const uint8_t* bytes, int64_t rounds);  // bytes: 64 of them
  float (*read)(const uint8_t* bytes, int64_t count);               // count: a multiple of 512
};

const ProbeKernels* kvs_reference_probe();
const ProbeKernels* kvs_baseline_probe();
const ProbeKernels* kvs_avx2_probe();
const ProbeKernels* kvs_avx512_probe();
const ProbeKernels* kvs_avx512vnni_probe();
const ProbeKernels* kvs_amx_probe();
const ProbeKernels* kvs_neon_probe();
const ProbeKernels* kvs_neondot_probe();

}  // namespace kvasir

#endif
