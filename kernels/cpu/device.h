// A device: its own thread that runs jobs in order, with workers to share their loops.
#ifndef KVASIR_DEVICE_H
#define KVASIR_DEVICE_H

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "float-array.h"
#include "kernel-table.h"
#include "worker-pool.h"

namespace kvasir {

class Device;

// One submitted piece of work. It keeps what it uses alive until it is released.
class Job {
 public:
  virtual ~Job() = default;
  // On the device's thread; may throw.
  virtual void run(Device& device) = 0;
  // On the device's thread, after run and before the callback: lets go of everything. The default deletes.
  virtual void release() { delete this; }

  Job* next = nullptr;
  kvs_callback callback = nullptr;
  void* user = nullptr;
};

class Device {
 public:
  Device(const KernelTable* kernels, int threads);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const KernelTable& kernels() const { return *kernels_; }
  WorkerPool& pool() { return pool_; }
  // Scratch memory of each worker; only for the device's thread to grow.
  float* scratch(int worker) const { return scratch_[static_cast<size_t>(worker)].data(); }
  void reserve_scratch(uint64_t floats);

  // Takes the job, in any case: it is released where the device is already closed, which throws.
  void submit(Job* job, kvs_callback callback, void* user);
  // Runs what was submitted, then ends the thread. Idempotent.
  void stop();

 private:
  void run_jobs();
  Job* next_job();

  const KernelTable* kernels_;
  WorkerPool pool_;
  std::vector<FloatArray> scratch_;

  std::mutex mutex_;
  std::condition_variable submitted_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace kvasir

#endif
