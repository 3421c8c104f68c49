#include "worker-pool.h"

#include <chrono>

namespace kvasir {

namespace {

// How long to look again and again before sleeping: longer than the gap between two regions of a step,
// far shorter than anything that idling would cost.
constexpr auto kSpin = std::chrono::microseconds(40);
constexpr uint64_t kUnclaimed = 0xffffffffu;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

template <class Condition>
bool spin_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

}  // namespace

WorkerPool::WorkerPool(int threads) {
  workers_.reserve(static_cast<size_t>(threads - 1));
  try {
    for (int worker = 1; worker < threads; ++worker) {
      workers_.emplace_back([this, worker] { work_until_stopped(worker); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void WorkerPool::run_items(int64_t items, Task task, const void* context) {
  if (items <= 1 || workers_.empty()) {
    for (int64_t item = 0; item < items; ++item) task(context, item, 0);
    return;
  }
  task_ = task;
  context_ = context;
  items_ = items;
  done_.store(0, std::memory_order_relaxed);
  const uint64_t region = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
  ticket_.store(region << 32 | static_cast<uint64_t>(items));
  if (sleepers_.load() > 0) {
    { const std::lock_guard<std::mutex> lock(mutex_); }
    work_.notify_all();
  }
  claim_items(0);
  const auto finished = [this, items] { return done_.load() == items; };
  if (spin_until(finished)) return;
  std::unique_lock<std::mutex> lock(mutex_);
  caller_sleeps_ = true;
  finished_.wait(lock, finished);
  caller_sleeps_ = false;
}

void WorkerPool::claim_items(int worker) {
  uint64_t ticket = ticket_.load();
  while ((ticket & kUnclaimed) != 0) {
    if (!ticket_.compare_exchange_weak(ticket, ticket - 1)) continue;
    // The region cannot end before this item is done, so its task stays what it is.
    const int64_t items = items_;
    task_(context_, items - static_cast<int64_t>(ticket & kUnclaimed), worker);
    if (done_.fetch_add(1) + 1 == items && caller_sleeps_.load()) {
      { const std::lock_guard<std::mutex> lock(mutex_); }
      finished_.notify_one();
    }
    ticket = ticket_.load();
  }
}

void WorkerPool::work_until_stopped(int worker) {
  const auto awake = [this] { return (ticket_.load() & kUnclaimed) != 0 || stopped_.load(); };
  for (;;) {
    if (!spin_until(awake)) {
      std::unique_lock<std::mutex> lock(mutex_);
      sleepers_.fetch_add(1);
      work_.wait(lock, awake);
      sleepers_.fetch_sub(1);
    }
    if (stopped_.load()) return;
    claim_items(worker);
  }
}

}  // namespace kvasir
