// The probe in plain C++: what the compiler makes of it for any machine.
#include "probe-kernels.h"

namespace kvasir {
namespace {

constexpr int kChains = 16;

float multiply_floats(float factor, int64_t rounds) {
  float chains[kChains];
  for (int i = 0; i < kChains; ++i) chains[i] = factor * static_cast<float>(i + 1);
  for (int64_t round = 0; round < rounds; ++round) {
    for (float& chain : chains) chain = chain * factor + factor;
  }
  float sum = 0;
  for (const float chain : chains) sum += chain;
  return sum;
}

int32_t multiply_bytes(const uint8_t* bytes, int64_t rounds) {
  int32_t chains[kChains] = {};
  const volatile uint8_t* renewed = bytes;
  for (int64_t round = 0; round < rounds; ++round) {
    const int32_t x = renewed[0];
    for (int i = 0; i < kChains; ++i) chains[i] = (chains[i] + x * bytes[i]) & 0xffffff;
  }
  int32_t sum = 0;
  for (const int32_t chain : chains) sum += chain;
  return sum;
}

float read(const uint8_t* bytes, int64_t count) {
  const auto* values = reinterpret_cast<const uint32_t*>(bytes);
  uint32_t chains[kChains] = {};
  for (int64_t i = 0; i < count / 4; i += kChains) {
    for (int c = 0; c < kChains; ++c) chains[c] += values[i + c];
  }
  uint32_t sum = 0;
  for (const uint32_t chain : chains) sum += chain;
  return static_cast<float>(sum);
}

}  // namespace

const ProbeKernels* kvs_reference_probe() {
  static const ProbeKernels kernels = {"reference", 2 * kChains, multiply_floats, 2 * kChains, multiply_bytes, read};
  return &kernels;
}

}  // namespace kvasir
