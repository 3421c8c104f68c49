#include "attention-read.h"

#include <math.h>

#include <algorithm>

#include "attend-args.h"
#include "future-turns.h"
#include "handles.h"
#include "observe.h"

namespace kvasir {

namespace {

constexpr int32_t kMaxFuture = 65536;

class AttentionReads final : public Job {
 public:
  AttentionReads(std::shared_ptr<Program> program, std::shared_ptr<PageMemory> memory)
      : program_(std::move(program)), memory_(std::move(memory)) {
    if (program_->device() != memory_->device()) invalid("the pages belong to another device than the program");
    if (memory_->spec().head_dim == program_->head_dim) return;
    invalid("the pages hold heads of %d elements; the program's head_dim is %d", memory_->spec().head_dim,
            program_->head_dim);
  }

  void add(const kvs_attention_read& read, int32_t i) {
    const int32_t page_tokens = memory_->spec().page_tokens;
    if (read.queries == nullptr || !read.queries->shared->belongs_to(program_)) {
      invalid("reads[%d].queries is no query window of this program", i);
    }
    check_range({"reads", i, "kv_layer"}, read.kv_layer, 0, program_->kv_layers - 1);
    check_range({"reads", i, "kv_head"}, read.kv_head, 0, program_->kv_heads - 1);
    check_range({"reads", i, "slots"}, read.slots, 0, INT32_MAX - page_tokens);
    check_range({"reads", i, "future"}, read.future, 1, kMaxFuture);
    check_range({"reads", i, "position"}, read.position, read.slots, INT32_MAX - read.future);
    check_range({"reads", i, "sinks"}, read.sinks, 0, program_->has_dynamic_attention ? 0 : INT32_MAX);
    check_range({"reads", i, "measure"}, read.measure, KVS_ATTENTION_TOTAL, KVS_ATTENTION_EXPECTED);
    check_range({"reads", i, "window"}, read.window, 1, read.queries->shared->window());
    check_range({"reads", i, "reduce"}, read.reduce, KVS_MEAN, KVS_SUM);
    if (!(read.threshold > 0) || !isfinite(read.threshold)) {
      invalid("reads[%d].threshold is %g; expected a finite number above 0", i, static_cast<double>(read.threshold));
    }
    if (read.slots > 0) check_pointer({"reads", i, "out"}, read.out);
    const int32_t pages = (read.slots + page_tokens - 1) / page_tokens;
    memory_->check_pages({"reads", i, "pages"}, read.pages, pages);
    reads_.push_back({read, read.queries->shared, {read.pages, read.pages + pages}, {}});
  }

  void run(Device& device) override {
    uint64_t scratch = 0;
    for (Read& read : reads_) {
      read.held = read.queries->newest(read.asked.window, read.asked.position);
      scratch = std::max(scratch, static_cast<uint64_t>(Room(*this, device.kernels(), read).floats));
      if (read.asked.measure != KVS_ATTENTION_EXPECTED) continue;
      each_attend(read, [&](const kvs_instruction& attend, const float*) {
        turns_.make(device.pool(), rope_of(attend), read.queries.get(), read.held, read.asked.position,
                    read.asked.future);
      });
    }
    device.reserve_scratch(scratch);
    device.pool().run(static_cast<int64_t>(reads_.size()), [&](int64_t i, int worker) {
      const Read& read = reads_[static_cast<size_t>(i)];
      if (read.asked.measure == KVS_ATTENTION_EXPECTED) {
        expect(device.kernels(), read, device.scratch(worker));
      } else {
        observe(device.kernels(), read, device.scratch(worker));
      }
    });
  }

 private:
  struct Read {
    kvs_attention_read asked;
    std::shared_ptr<QueryWindow> queries;
    std::vector<int32_t> pages;
    std::vector<QueryWindow::Held> held;
  };

  // Where in its worker's scratch a read keeps what.
  struct Room {
    int64_t sums, shares, reduced, turned, rest, floats;

    Room(const AttentionReads& job, const KernelTable& kernels, const Read& read) {
      const int64_t slots = read.asked.slots;
      const int32_t head_dim = job.program_->head_dim;
      const bool expected = read.asked.measure == KVS_ATTENTION_EXPECTED;
      sums = (head_dim + 15) / 16 * 16;  // after the angles
      shares = sums + whole_spans(slots);
      reduced = shares + (expected ? whole_spans(slots) : 0);
      turned = reduced + (expected ? whole_spans(slots) : 0);
      rest = turned + (expected ? (static_cast<int64_t>(read.held.size()) * head_dim + 15) / 16 * 16 : 0);
      floats = rest + (expected ? kernels.expect_scratch(head_dim, slots) : observe_floats(kernels, head_dim, slots));
    }
  };

  const Rope& rope_of(const kvs_instruction& attend) const {
    return program_->ropes[static_cast<size_t>(attend.i3)];
  }

  // Calls f(attend, queries) for all that attend to the KV layer, with the queries of their first head of this KV head.
  template <class Function>
  void each_attend(const Read& read, const Function& f) const {
    for (size_t k = 0; k < program_->attends.size(); ++k) {
      const kvs_instruction& attend = program_->instructions[program_->attends[k]];
      if (attend.i0 != read.asked.kv_layer) continue;
      const int64_t group = program_->query_heads(attend) / program_->kv_heads;
      f(attend, read.queries->queries(k) + read.asked.kv_head * group * read.queries->head_stride());
    }
  }

  AttendArgs args_of(const Read& read, const kvs_instruction& attend, float* angles) const {
    return head_args(*program_, attend, *memory_,
                     {read.pages.data(), read.asked.sinks, read.asked.position - read.asked.slots}, angles);
  }

  int32_t layers(const Read& read) const { return program_->readers[static_cast<size_t>(read.asked.kv_layer)]; }

  void observe(const KernelTable& kernels, const Read& read, float* scratch) const {
    const Room room(*this, kernels, read);
    float* sums = scratch + room.sums;
    std::fill_n(sums, whole_spans(read.asked.slots), 0.0f);
    each_attend(read, [&](const kvs_instruction& attend, const float* queries) {
      ObserveArgs args = {};
      args.attend = args_of(read, attend, scratch);
      args.attend.q = queries;
      args.attend.scratch = scratch + room.rest;
      args.head_stride = read.queries->head_stride();
      args.reduce = read.asked.reduce;
      args.share = 1.0f / static_cast<float>(layers(read));
      if (args.reduce == KVS_MEAN) args.share /= static_cast<float>(args.attend.group);
      args.threshold = read.asked.measure == KVS_ATTENTION_COUNT ? read.asked.threshold : 0.0f;
      args.sums = sums;
      observe_rows(kernels, args, static_cast<int64_t>(read.held.size()), read.asked.slots, [&](int64_t r) {
        const QueryWindow::Held& held = read.held[static_cast<size_t>(r)];
        const int32_t after = attend.i2 > 0 ? std::max(held.position - attend.i2, -1) : -1;
        return ObservedRow{held.entry * read.queries->entry_stride(), read.asked.slots, after,
                           held.position - attend.i1};
      });
    });
    std::copy_n(sums, read.asked.slots, read.asked.out);
  }

  void expect(const KernelTable& kernels, const Read& read, float* scratch) const {
    const Room room(*this, kernels, read);
    const int64_t slots = read.asked.slots;
    float* sums = scratch + room.sums;
    if (slots == 0) return;
    std::fill_n(sums, slots, layers(read) == 0 ? 1.0f / static_cast<float>(slots) : 0.0f);
    each_attend(read, [&](const kvs_instruction& attend, const float* queries) {
      AttendArgs head = args_of(read, attend, scratch);
      const int64_t group = head.group;
      head.group = 1;
      head.scratch = scratch + room.rest;
      float* reduced = scratch + room.reduced;
      for (int64_t h = 0; h < group; ++h) {
        const float* shares = expect_head(kernels, read, attend, head, queries + h * read.queries->head_stride(),
                                          scratch, room);
        for (int64_t s = 0; s < slots; ++s) {
          const float both = read.asked.reduce == KVS_MAX ? std::max(reduced[s], shares[s]) : reduced[s] + shares[s];
          reduced[s] = h == 0 ? shares[s] : both;
        }
      }
      const float heads = read.asked.reduce == KVS_MEAN ? static_cast<float>(group) : 1.0f;
      const float share = 1.0f / (heads * static_cast<float>(layers(read)));
      for (int64_t s = 0; s < slots; ++s) sums[s] += reduced[s] * share;
    });
    std::copy_n(sums, slots, read.asked.out);
  }

  // [slots], of one query head.
  const float* expect_head(const KernelTable& kernels, const Read& read, const kvs_instruction& attend,
                           const AttendArgs& head, const float* queries, float* scratch, const Room& room) const {
    float* shares = scratch + room.shares;
    const auto count = static_cast<int64_t>(read.held.size());
    if (count == 0) {
      std::fill_n(shares, read.asked.slots, 1.0f / static_cast<float>(read.asked.slots));
      return shares;
    }
    const FutureTurns& turns =
        turns_.find(rope_of(attend), read.queries.get(), read.held.size(), read.asked.position, read.asked.future);
    ObservedRow rows[kMaxQueryWindow];
    for (int64_t q = 0; q < count; ++q) {
      const QueryWindow::Held& held = read.held[static_cast<size_t>(q)];
      turn_query(rope_of(attend), turns, q, head.head_dim, queries + held.entry * read.queries->entry_stride(),
                 scratch + room.turned + q * head.head_dim);
      rows[q] = {q * head.head_dim, read.asked.slots, -1, INT32_MAX};
    }
    ObserveArgs args = {};
    args.attend = head;
    args.attend.q = scratch + room.turned;
    args.attend.pair_begin = 0;
    args.attend.pair_end = count;
    args.rows = rows;
    args.sums = shares;
    kernels.expect(args);
    return shares;
  }

  std::shared_ptr<Program> program_;
  std::shared_ptr<PageMemory> memory_;
  std::vector<Read> reads_;
  FutureTurnsCache turns_;
};

}  // namespace

std::unique_ptr<Job> make_attention_read(std::shared_ptr<Program> program, std::shared_ptr<PageMemory> memory,
                                         const kvs_attention_read* reads, int32_t count) {
  check_range("count", count, 0, INT32_MAX);
  if (count > 0) check_pointer("reads", reads);
  auto job = std::make_unique<AttentionReads>(std::move(program), std::move(memory));
  for (int32_t i = 0; i < count; ++i) job->add(reads[i], i);
  return job;
}

}  // namespace kvasir
