// Runs the instructions of a program for one step.
#ifndef KVASIR_EXECUTOR_H
#define KVASIR_EXECUTOR_H

#include "device.h"
#include "plan.h"
#include "program.h"
#include "step-job.h"

namespace kvasir {

class Executor {
 public:
  Executor(Device& device, StepJob& step)
      : device_(device), kernels_(device.kernels()), pool_(device.pool()), step_(step), program_(*step.program) {}

  void run();

 private:
  // The sequences, and so the rows, that instructions are run for.
  struct Window {
    size_t first_sequence, sequence_count;
    int32_t first_row, rows;
  };
  struct Rows {
    int64_t first, count;
  };

  void prepare();
  void turn_ropes();
  void run_range(size_t begin, size_t end, const Window& window);
  void run_one(size_t at, const Window& window);

  void embed(const kvs_instruction& i, const Window& window);
  void rms_norm(size_t at, const Window& window);
  void products(size_t at, const Window& window);
  void product_part(const kvs_instruction& i, const Rows& rows, int64_t begin, int64_t end);
  void multiply(const kvs_instruction& i, int32_t weight, const Rows& rows, float* out, int64_t begin, int64_t end);
  void quantize(int32_t buffer, const Rows& rows);
  void rope(const kvs_instruction& i, const Window& window);
  void swiglu(const kvs_instruction& i, const Window& window);
  void add(const kvs_instruction& i, const Window& window);
  void gather(const kvs_instruction& i);
  void write_kv(const kvs_instruction& i, const Window& window);
  int64_t write_scratch() const;
  void write_slot(int32_t kv_layer, int32_t row, int32_t head, const float* k, const float* v, float* scratch);
  float store_vector(kvs_slot_data data, uint64_t place, const float* from, bool compare, float* scratch);
  void attend(size_t at, const Window& window);
  int64_t group_of(const kvs_instruction& attend) const { return program_.query_heads(attend) / program_.kv_heads; }
  int64_t table_of(const kvs_instruction& attend, int64_t head) const {
    return int64_t{attend.i0} * program_.kv_heads + head;
  }
  int64_t carry_floats(const kvs_instruction& i) const;
  bool shares(const kvs_instruction& i, const Window& window) const;
  void add_shared_tiles(const kvs_instruction& i);
  void add_tiles(const kvs_instruction& i, const Window& window, bool shared);
  void attend_tiles(const kvs_instruction& i, size_t begin, size_t end);
  AttendArgs attend_args(const kvs_instruction& i, const AttendPart& part, int worker) const;
  int64_t collect_scratch() const;
  void begin_signals();
  void keep_queries(size_t at, const Window& window);
  bool last_pass(const StepSequence& sequence) const;
  void collect(const kvs_instruction& i, const Window& window);
  void collect_head(const kvs_instruction& i, const CollectPart& part, float* scratch);
  void iterate(size_t at, const Window& window);
  void clear_new_slots(int32_t kv_layer);
  float greatest_change(const Window& window) const;
  bool tracks(int32_t kv_layer) const;
  void finish_outputs();

  Rows rows_of(int32_t buffer, const Window& window) const {
    if (program_.buffers[static_cast<size_t>(buffer)].outputs) return {0, step_.output_count()};
    return {window.first_row, window.rows};
  }
  int64_t width(int32_t buffer) const { return program_.buffers[static_cast<size_t>(buffer)].width; }
  float* row(int32_t buffer, int64_t index) const { return program_.data(buffer) + index * width(buffer); }

  // Calls f(begin, end, worker) for parts of [0, count) of `grain` each.
  template <class Function>
  void split(int64_t count, int64_t grain, const Function& f) {
    if (grain < 1) grain = 1;
    const int64_t items = (count + grain - 1) / grain;
    pool_.run(items, [&](int64_t item, int worker) {
      const int64_t end = (item + 1) * grain;
      f(item * grain, end < count ? end : count, worker);
    });
  }

  Device& device_;
  const KernelTable& kernels_;
  WorkerPool& pool_;
  StepJob& step_;
  Program& program_;
  const kvs_instruction* iterate_ = nullptr;  // whose body is being run
  int32_t pass_ = 0;                          // how many of its passes went before
};

}  // namespace kvasir

#endif
