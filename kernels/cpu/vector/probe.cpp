// What the registers and the memory of this level can do: independent chains, enough to hide their latency.
#include "probe-kernels.h"
#include "vector/int.h"
#include "vector/vec.h"

namespace kvasir {
namespace {

constexpr int kFloatChains = 10;
constexpr int kByteChains = 5;
constexpr int kReadChains = 8;

// The compiler takes the value for a new one.
template <class Register>
inline void renew(Register& value) {
  __asm__ volatile("" : KVASIR_REGISTER(value));
}

// Of a level that takes activations from where they are.
template <class Value>
inline void renew(Value*& place) {
  __asm__ volatile("" : "+r"(place));
}

float multiply_floats(float factor, int64_t rounds) {
  Vec chains[kFloatChains];
  KVASIR_UNROLL
  for (int i = 0; i < kFloatChains; ++i) chains[i] = set1(factor * static_cast<float>(i + 1));
  const Vec multiplier = set1(factor);
  for (int64_t round = 0; round < rounds; ++round) {
    KVASIR_UNROLL
    for (int i = 0; i < kFloatChains; ++i) chains[i] = fma(chains[i], multiplier, multiplier);
  }
  Vec sum = zero();
  for (const Vec& chain : chains) sum = add(sum, chain);
  return reduce_add(sum);
}

int32_t multiply_bytes(const uint8_t* bytes, int64_t rounds) {
  const Weights<8> weights(load_bytes(bytes));
  Quad x = spread_quad(reinterpret_cast<const int8_t*>(bytes));
  Dot<8> chains[kByteChains];
  for (Dot<8>& chain : chains) chain.begin();
  for (int64_t round = 0; round < rounds; ++round) {
    KVASIR_UNROLL
    for (int i = 0; i < kByteChains; ++i) {
      renew(x);
      chains[i].add<0>(weights, x);
    }
    // Some levels finish their sums at every second quad.
    KVASIR_UNROLL
    for (int i = 0; i < kByteChains; ++i) {
      renew(x);
      chains[i].add<1>(weights, x);
    }
  }
  Vec sum = zero();
  for (const Dot<8>& chain : chains) sum = add(sum, to_float(chain.total()));
  return reduce_add(sum) > 0 ? 1 : 0;
}

float read(const uint8_t* bytes, int64_t count) {
  const auto* values = reinterpret_cast<const float*>(bytes);
  Vec chains[kReadChains];
  for (Vec& chain : chains) chain = zero();
  for (int64_t i = 0; i < count / 4; i += kReadChains * kLanes) {
    KVASIR_UNROLL
    for (int c = 0; c < kReadChains; ++c) chains[c] = add(chains[c], load(values + i + c * kLanes));
  }
  Vec sum = zero();
  for (const Vec& chain : chains) sum = add(sum, chain);
  return reduce_add(sum);
}

}  // namespace

#define KVASIR_JOIN_(a, b, c) a##b##c
#define KVASIR_JOIN(a, b, c) KVASIR_JOIN_(a, b, c)
#define KVASIR_TEXT_(a) #a
#define KVASIR_TEXT(a) KVASIR_TEXT_(a)

const ProbeKernels* KVASIR_JOIN(kvs_, KVASIR_LEVEL, _probe)() {
  static const ProbeKernels kernels = {KVASIR_TEXT(KVASIR_LEVEL),
                                       2 * kFloatChains * kLanes,
                                       multiply_floats,
                                       4 * kByteChains * static_cast<int64_t>(sizeof(Bytes)),
                                       multiply_bytes,
                                       read};
  return &kernels;
}

}  // namespace kvasir
