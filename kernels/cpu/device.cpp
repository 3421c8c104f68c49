#include "device.h"

namespace kvasir {

Device::Device(const KernelTable* kernels, int threads)
    : kernels_(kernels), pool_(threads), scratch_(static_cast<size_t>(threads)), thread_([this] { run_jobs(); }) {}

Device::~Device() { stop(); }

void Device::reserve_scratch(uint64_t floats) {
  for (FloatArray& scratch : scratch_) scratch.reserve(floats);
}

void Device::submit(Job* job, kvs_callback callback, void* user) {
  job->callback = callback;
  job->user = user;
  bool accepted = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!stopped_) {
      accepted = true;
      job->next = nullptr;
      (last_ == nullptr ? first_ : last_->next) = job;
      last_ = job;
    }
  }
  if (!accepted) {
    job->release();
    invalid("the device is closed");
  }
  submitted_.notify_one();
}

void Device::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  submitted_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Job* Device::next_job() {
  std::unique_lock<std::mutex> lock(mutex_);
  submitted_.wait(lock, [this] { return first_ != nullptr || stopped_; });
  Job* job = first_;
  if (job != nullptr) {
    first_ = job->next;
    if (first_ == nullptr) last_ = nullptr;
  }
  return job;
}

void Device::run_jobs() {
  while (Job* job = next_job()) {
    const kvs_status status = guarded([&] { job->run(*this); });
    const kvs_callback callback = job->callback;
    void* user = job->user;
    job->release();
    if (callback != nullptr) callback(user, &status);
  }
}

}  // namespace kvasir
