// Products on emulated tile registers against those of avx512vnni: the same bits, for every format and random shapes.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <random>
#include <vector>

#include "kernel-table.h"
#include "quant/packed-layout.h"

namespace kvasir {
const KernelTable* kvs_tiles_kernels();
}

using namespace kvasir;

namespace {

template <class Number>
std::vector<uint8_t> random_bytes(uint64_t bytes, Number& random) {
  std::vector<uint8_t> result(bytes);
  for (uint8_t& byte : result) byte = static_cast<uint8_t>(random());
  return result;
}

}  // namespace

int main() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint32_t>(n)); };
  int failures = 0;
  int shapes = 0;
  for (int dtype = KVS_Q8_0; dtype <= KVS_Q6_K; ++dtype) {
    const auto type = static_cast<kvs_dtype>(dtype);
    for (int round = 0; round < 60; ++round, ++shapes) {
      const int64_t rows = below(70);
      const int64_t inputs = (1 + below(3)) * (type >= KVS_Q4_K ? 256 : 32) * (round % 5 == 0 ? 9 : 1);
      const int64_t outputs = 1 + below(70);
      std::vector<uint8_t> weight = random_bytes(packed_bytes(type, outputs, inputs) + 64, random);
      // Scales of random bytes may be NaN: their bits must agree too, so they are kept but made finite mostly.
      for (uint64_t i = 1; i < weight.size(); i += 2) weight[i] &= 0xbf;
      std::vector<float> x(static_cast<size_t>(rows * inputs + 1));
      for (float& value : x) value = normal(random);
      const auto readable = static_cast<size_t>((rows + kReadableRows) * inputs);
      std::vector<int8_t> values(readable, 99);
      std::vector<float> scales(readable, NAN);
      std::vector<int32_t> sums(readable, 99);
      const QuantRows quant = {values.data(), scales.data(), sums.data()};
      kvs_avx512vnni_kernels()->quantize_rows(x.data(), rows, inputs, quant);
      const auto count = static_cast<size_t>(rows * outputs + 1);
      std::vector<float> bias(static_cast<size_t>(outputs), 0.25f), expected(count, 1.0f), found(count, 1.0f);
      QuantLinearArgs args = {quant,       rows,    inputs,          weight.data(), type,  round % 2 ? bias.data() : nullptr,
                              round % 3 ? expected.data() : nullptr, expected.data(), outputs, 0, outputs};
      kvs_avx512vnni_kernels()->quant_linear(args);
      args.out = found.data();
      args.residual = round % 3 ? found.data() : nullptr;
      kvs_tiles_kernels()->quant_linear(args);
      if (memcmp(expected.data(), found.data(), count * sizeof(float)) == 0) continue;
      ++failures;
      fprintf(stderr, "dtype %d, %lld rows, %lld inputs, %lld outputs: the bits differ\n", dtype,
              static_cast<long long>(rows), static_cast<long long>(inputs), static_cast<long long>(outputs));
    }
  }
  printf("%d shapes, %d differ\n", shapes, failures);
  return failures == 0 ? 0 : 1;
}
