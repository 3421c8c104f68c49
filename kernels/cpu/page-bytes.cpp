// Whole pages to and from bytes, one page after another.
#include "page-jobs.h"
#include "status.h"

namespace kvasir {

namespace {

std::vector<int32_t> checked_pages(const PageMemory& memory, const int32_t* pages, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  memory.check_pages("pages", pages, count);
  return std::vector<int32_t>(pages, pages + count);
}

class PageRead final : public Job {
 public:
  PageRead(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count, uint8_t* out)
      : memory_(std::move(memory)), pages_(checked_pages(*memory_, pages, count)), out_(out) {
    if (count > 0) check_pointer("out", out);
  }

  void run(Device& device) override {
    device.pool().run(static_cast<int64_t>(pages_.size()), [&](int64_t i, int) {
      memory_->read_page(pages_[static_cast<size_t>(i)], out_ + static_cast<uint64_t>(i) * memory_->page_bytes());
    });
  }

 private:
  std::shared_ptr<PageMemory> memory_;
  std::vector<int32_t> pages_;
  uint8_t* out_;
};

class PageWrite final : public Job {
 public:
  PageWrite(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count, const uint8_t* bytes)
      : memory_(std::move(memory)), pages_(checked_pages(*memory_, pages, count)), bytes_(bytes) {
    if (count > 0) check_pointer("bytes", bytes);
    PageMarks& marks = memory_->marks();
    marks.clear();
    for (size_t i = 0; i < pages_.size(); ++i) {
      if (marks.owner(pages_[i]) != PageMarks::kNone) {
        invalid("pages[%zu] is page %d, which is written twice", i, pages_[i]);
      }
      marks.mark(pages_[i], 0);
    }
  }

  void run(Device& device) override {
    device.pool().run(static_cast<int64_t>(pages_.size()), [&](int64_t i, int) {
      memory_->write_page(pages_[static_cast<size_t>(i)], bytes_ + static_cast<uint64_t>(i) * memory_->page_bytes());
    });
  }

 private:
  std::shared_ptr<PageMemory> memory_;
  std::vector<int32_t> pages_;
  const uint8_t* bytes_;
};

}  // namespace

std::unique_ptr<Job> make_page_read(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count,
                                    uint8_t* out) {
  return std::make_unique<PageRead>(std::move(memory), pages, count, out);
}

std::unique_ptr<Job> make_page_write(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count,
                                     const uint8_t* bytes) {
  return std::make_unique<PageWrite>(std::move(memory), pages, count, bytes);
}

}  // namespace kvasir
