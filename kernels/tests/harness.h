// What the cases of threads.cpp share: handles that close themselves, submitted work, the same numbers in every run.
#ifndef KVASIR_TESTS_HARNESS_H
#define KVASIR_TESTS_HARNESS_H

#include <stdio.h>
#include <stdlib.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "kvasir.h"

namespace kvasir_tests {

inline void check(const kvs_status& status) {
  if (status.code == KVS_OK) return;
  fprintf(stderr, "threads: %s\n", status.message);
  exit(2);
}

template <class Handle, void (*kClose)(Handle*)>
struct Closer {
  void operator()(Handle* handle) const { kClose(handle); }
};
using DeviceHandle = std::unique_ptr<kvs_device, Closer<kvs_device, kvs_device_close>>;
using TensorHandle = std::unique_ptr<kvs_tensor, Closer<kvs_tensor, kvs_tensor_close>>;
using PagesHandle = std::unique_ptr<kvs_pages, Closer<kvs_pages, kvs_pages_close>>;
using ProgramHandle = std::unique_ptr<kvs_program, Closer<kvs_program, kvs_program_close>>;

// Submitted work; `wait` is what makes its results visible.
class Pending {
 public:
  static void done(void* user, const kvs_status* status) {
    static_cast<Pending*>(user)->promise_.set_value(*status);
  }
  void wait() { check(future_.get()); }

 private:
  std::promise<kvs_status> promise_;
  std::future<kvs_status> future_ = promise_.get_future();
};

// The same numbers in every run.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed) {}
  uint32_t next() {
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 8;
  }
  std::vector<int32_t> tokens(int32_t count, int32_t vocab) {
    std::vector<int32_t> tokens(static_cast<size_t>(count));
    for (int32_t& token : tokens) token = static_cast<int32_t>(next() % static_cast<uint32_t>(vocab));
    return tokens;
  }
  std::vector<float> floats(int64_t count, float size) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = (static_cast<float>(next() & 0xffff) / 32768.0f - 1.0f) * size;
    return values;
  }

 private:
  uint32_t state_;
};

inline DeviceHandle open_device(const std::string& level, int32_t threads) {
  kvs_device* device = nullptr;
  check(kvs_device_open(level.c_str(), threads, &device));
  return DeviceHandle(device);
}

}  // namespace kvasir_tests

#endif
