#include "levels.h"

#include <string.h>

#include <string>
#include <vector>

#include "status.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
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
  bool avx512vnni = false;
  bool amx = false;

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
    avx512vnni = avx512 && bit(c, 11);
    amx = avx512vnni && bit(d, 24) && bit(d, 25) && (saved & 0x60000) == 0x60000 && tiles_allowed();
  }

  // Linux lets a process use the tile registers only when it has asked for their room (arch_prctl(2)).
  static bool tiles_allowed() {
#if defined(__linux__)
    constexpr long kRequestPermission = 0x1023;
    constexpr long kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
  }

  static uint64_t saved_state() {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return static_cast<uint64_t>(high) << 32 | low;
  }
};

const std::vector<Level>& all_levels() {
  static const Processor processor;
  static const std::vector<Level> levels = {
      {kvs_reference_kernels(), true},
      {kvs_baseline_kernels(), true},
      {kvs_avx2_kernels(), processor.avx2},
      {kvs_avx512_kernels(), processor.avx512},
      {kvs_avx512vnni_kernels(), processor.avx512vnni},
      {kvs_amx_kernels(), processor.amx},
  };
  return levels;
}

#elif defined(__aarch64__)

// FEAT_DotProd, where the operating system tells; Advanced SIMD is part of every AArch64.
bool has_dot_products() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &value, &size, nullptr, 0) == 0 && value != 0;
#else
  return false;
#endif
}

const std::vector<Level>& all_levels() {
  static const std::vector<Level> levels = {
      {kvs_reference_kernels(), true},
      {kvs_neon_kernels(), true},
      {kvs_neondot_kernels(), has_dot_products()},
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
