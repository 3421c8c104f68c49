#include "page-jobs.h"

#include "status.h"

namespace kvasir {

namespace {

class PageCopy final : public Job {
 public:
  PageCopy(std::shared_ptr<PageMemory> memory, const int32_t* from, const int32_t* to, int32_t count)
      : memory_(std::move(memory)), from_(from, from + count), to_(to, to + count) {
    memory_->check_pages("from", from_.data(), count);
    memory_->check_pages("to", to_.data(), count);
  }

  void run(Device&) override {
    const auto tokens = static_cast<uint64_t>(memory_->spec().page_tokens);
    for (size_t i = 0; i < from_.size(); ++i) {
      memory_->copy_slots(static_cast<uint64_t>(from_[i]) * tokens, static_cast<uint64_t>(to_[i]) * tokens, tokens);
    }
  }

 private:
  std::shared_ptr<PageMemory> memory_;
  std::vector<int32_t> from_, to_;
};

}  // namespace

std::unique_ptr<Job> make_page_copy(std::shared_ptr<PageMemory> memory, const int32_t* from, const int32_t* to,
                                    int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("from", from);
  if (count > 0) check_pointer("to", to);
  return std::make_unique<PageCopy>(std::move(memory), from, to, count);
}

}  // namespace kvasir
