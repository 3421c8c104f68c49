#include "levels.h"

#include <string.h>

#include <string>
#include <vector>

#include "status.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace kvasir {

namespace {

struct Level {
  const KernelTable* kernels;
  bool supported;
};

#if defined(__x86_64__)

bool bit(uint32_t word, int index) { return (word >> index & 1) != 0; }

// What the processor offers and the operating system saves (XCR0), from Intel's manual, volume 1, chapter 14 and 15.
struct Processor {
  bool avx2 = false;
  bool avx512 = false;
  bool avx512bf16 = false;

  Processor() {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return;
    const bool fma = bit(c, 12);
    const bool avx = bit(c, 27) && bit(c, 28);
    const bool f16c = bit(c, 29);
    if (!avx || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    const uint64_t saved = saved_state();
    avx2 = fma && f16c && bit(b, 5) && (saved & 0x6) == 0x6;
    avx512 = avx2 && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31) && (saved & 0xe6) == 0xe6;
    if (!avx512 || a < 1 || !__get_cpuid_count(7, 1, &a, &b, &c, &d)) return;
    avx512bf16 = bit(a, 5);
  }

  static uint64_t saved_state() {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<uint64_t>(high) << 32 | low;
  }
};

// vdpbf16ps does not pay: with the activations split into two bf16 parts it is half as fast as widening the
// weights and ten times less exact (README.md, "Levels"), so this level runs the kernels of avx512.
const KernelTable* avx512bf16_kernels() {
  static const KernelTable table = [] {
    KernelTable same = *kvs_avx512_kernels();
    same.name = "avx512bf16";
    return same;
  }();
  return &table;
}

const std::vector<Level>& all_levels() {
  static const Processor processor;
  static const std::vector<Level> levels = {
      {kvs_reference_kernels(), true},
      {kvs_baseline_kernels(), true},
      {kvs_avx2_kernels(), processor.avx2},
      {kvs_avx512_kernels(), processor.avx512},
      {avx512bf16_kernels(), processor.avx512bf16},
  };
  return levels;
}

#else

const std::vector<Level>& all_levels() {
  static const std::vector<Level> levels = {{kvs_reference_kernels(), true}};
  return levels;
}

#endif

std::string join_names() {
  std::string names;
  for (const Level& level : all_levels()) {
    if (!level.supported) continue;
    if (!names.empty()) names += ',';
    names += level.kernels->name;
  }
  return names;
}

}  // namespace

const char* level_names() {
  static const std::string names = join_names();
  return names.c_str();
}

const KernelTable* find_level(const char* name) {
  const KernelTable* best = nullptr;
  for (const Level& level : all_levels()) {
    if (name != nullptr && strcmp(name, level.kernels->name) == 0) {
      if (level.supported) return level.kernels;
      fail(KVS_UNSUPPORTED, "this processor cannot run level %s; it can run %s", name, level_names());
    }
    if (level.supported) best = level.kernels;
  }
  if (name != nullptr) fail(KVS_UNSUPPORTED, "there is no level \"%.40s\"; this machine can run %s", name, level_names());
  return best;
}

}  // namespace kvasir
