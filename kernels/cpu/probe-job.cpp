#include "probe-job.h"

#include <string.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "large-memory.h"
#include "probe-kernels.h"
#include "status.h"

namespace kvasir {

namespace {

// What a thread takes at a time, of a buffer and of rounds: about a tenth of a millisecond.
constexpr uint64_t kPart = 1 << 20;
constexpr int64_t kRounds = 1 << 14;
constexpr int64_t kPartsEach = 64;

const ProbeKernels& probe_kernels(const char* level) {
  const ProbeKernels* const all[] = {
      kvs_reference_probe(),
#if defined(__x86_64__)
      kvs_baseline_probe(), kvs_avx2_probe(), kvs_avx512_probe(), kvs_avx512vnni_probe(), kvs_amx_probe(),
#elif defined(__aarch64__)
      kvs_neon_probe(), kvs_neondot_probe(),
#endif
  };
  for (const ProbeKernels* kernels : all) {
    if (strcmp(kernels->level, level) == 0) return *kernels;
  }
  fail(KVS_INTERNAL, "level %s has no probe", level);
}

class ProbeJob final : public Job {
 public:
  ProbeJob(kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second)
      : kind_(kind), bytes_(bytes), seconds_(seconds), per_second_(per_second) {}

  void run(Device& device) override {
    const ProbeKernels& kernels = probe_kernels(device.kernels().name);
    WorkerPool& pool = device.pool();
    if (kind_ == KVS_PROBE_READ) {
      const auto parts = static_cast<int64_t>(bytes_ / kPart);
      memory_.allocate(bytes_);
      uint8_t* const data = memory_.data();
      pool.run(parts, [&](int64_t part, int) { memset(data + static_cast<uint64_t>(part) * kPart, 1, kPart); });
      repeat(static_cast<double>(bytes_), [&] {
        pool.run(parts, [&](int64_t part, int) {
          keep(kernels.read(data + static_cast<uint64_t>(part) * kPart, static_cast<int64_t>(kPart)));
        });
      });
      return;
    }
    const int64_t parts = kPartsEach * pool.threads();
    const double rounds = static_cast<double>(parts) * static_cast<double>(kRounds);
    if (kind_ == KVS_PROBE_FLOAT) {
      repeat(rounds * static_cast<double>(kernels.float_operations), [&] {
        pool.run(parts, [&](int64_t, int) { keep(kernels.multiply_floats(0.5f, kRounds)); });
      });
    } else {
      uint8_t bytes[64];
      memset(bytes, 3, sizeof bytes);
      repeat(rounds * static_cast<double>(kernels.byte_operations), [&] {
        pool.run(parts, [&](int64_t, int) { keep(static_cast<float>(kernels.multiply_bytes(bytes, kRounds))); });
      });
    }
  }

 private:
  // The best pass counts: what others do on the machine only ever takes away.
  template <class Pass>
  void repeat(double work, const Pass& pass) {
    using Clock = std::chrono::steady_clock;
    const auto elapsed = [](Clock::time_point since) {
      return std::chrono::duration<double>(Clock::now() - since).count();
    };
    const Clock::time_point begin = Clock::now();
    double best = 0;
    do {
      const Clock::time_point start = Clock::now();
      pass();
      best = std::max(best, work / std::max(elapsed(start), 1e-9));
    } while (elapsed(begin) < seconds_);
    *per_second_ = best;
  }

  void keep(float result) { sink_.store(result, std::memory_order_relaxed); }

  kvs_probe_kind kind_;
  uint64_t bytes_;
  double seconds_;
  double* per_second_;
  LargeMemory memory_;
  std::atomic<float> sink_{0};
};

}  // namespace

std::unique_ptr<Job> make_probe_job(kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second) {
  check_range("kind", kind, KVS_PROBE_READ, KVS_PROBE_BYTE);
  check_pointer("per_second", per_second);
  if (!(seconds > 0 && seconds <= 60)) invalid("seconds is %g; expected a number above 0, up to 60", seconds);
  if (kind == KVS_PROBE_READ && (bytes < kPart || bytes > uint64_t{1} << 40 || bytes % kPart != 0)) {
    invalid("bytes is %llu; expected a multiple of 1 MiB, up to 1 TiB", static_cast<unsigned long long>(bytes));
  }
  return std::make_unique<ProbeJob>(kind, bytes, seconds, per_second);
}

}  // namespace kvasir
