// The threads that share the items of one parallel region after the other.
#ifndef KVASIR_WORKER_POOL_H
#define KVASIR_WORKER_POOL_H

#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace kvasir {

class WorkerPool {
 public:
  // `threads` counts the calling thread.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls f(item, worker) for every item in [0, items), items < 2^32, in any order and on any worker in [0, threads):
  // f must give the same whatever the division, and must not throw. Returns when all are done.
  template <class Function>
  void run(int64_t items, const Function& f) {
    static_assert(std::is_invocable_v<const Function&, int64_t, int>);
    run_items(
        items, [](const void* context, int64_t item, int worker) { (*static_cast<const Function*>(context))(item, worker); },
        &f);
  }

 private:
  using Task = void (*)(const void* context, int64_t item, int worker);

  void stop();
  void run_items(int64_t items, Task task, const void* context);
  void work_until_stopped(int worker);
  void claim_items(int worker);

  // Region number in the upper half, items not yet claimed in the lower: claiming and noticing that a
  // region is over are one atomic operation, so that a late worker can never touch the next one's task.
  std::atomic<uint64_t> ticket_{0};
  std::atomic<int64_t> done_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> stopped_{false};
  Task task_ = nullptr;
  const void* context_ = nullptr;
  int64_t items_ = 0;

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable finished_;
  std::vector<std::thread> workers_;
};

}  // namespace kvasir

#endif
