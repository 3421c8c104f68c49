// One submitted step: a checked copy of everything that indexes memory. What the caller changes later in its
// own arrays cannot hurt; the results go straight into the caller's memory.
#ifndef KVASIR_STEP_JOB_H
#define KVASIR_STEP_JOB_H

#include <memory>
#include <vector>

#include "page-memory.h"
#include "program.h"
#include "query-window.h"
#include "shared-spans.h"

namespace kvasir {

struct StepSequence {
  int32_t first_row, rows, position, sinks;
  int64_t first_table;  // into resident and page_offsets
  QueryWindow* queries;  // or null
  bool collects;
  kvs_collection collection;  // where it collects
};

// kvs_sampling with its lists as ranges of the step's own.
struct StepSampling {
  kvs_sampling settings;
  size_t history, bias;
};

// Spans [span_begin, span_end) of attention for pairs of one KV head; see AttendArgs.
struct AttendPart {
  size_t sequence;
  int32_t head;
  // 0: the pairs are of that sequence. Above: of members of SharedSpans, of which it is the first; parts of a greater
  // height come first.
  int32_t height;
  int64_t member;  // which one the sequence is; -1: none
  int64_t pair_begin, pair_end;
  int64_t span_begin, span_end;
  int64_t partials;  // where in StepJob::partials its own begin; -1: nowhere, as it is all of its tile
};

// A sequence's KV head whose slots collect attention.
struct CollectPart {
  size_t sequence;
  int32_t head;
};

class StepJob final : public Job {
 public:
  // Throws where the step does not fit the program and the pages.
  void prepare(std::shared_ptr<Program> program, std::shared_ptr<PageMemory> memory, const kvs_step& step,
               const kvs_step_result& result);
  void run(Device& device) override;
  // Hands this step back to its program.
  void release() override;

  int32_t rows() const { return static_cast<int32_t>(tokens.size()); }
  int32_t output_count() const { return static_cast<int32_t>(outputs.size()); }

  // The pages of one (KV layer, KV head) of a sequence, and how many slots were in use.
  struct Table {
    const int32_t* pages;
    int32_t resident;
  };
  Table table(const StepSequence& sequence, int64_t kv_layer, int64_t head) const {
    const auto t = static_cast<size_t>(sequence.first_table + kv_layer * program->kv_heads + head);
    return {pages.data() + page_offsets[t], resident[t]};
  }

  std::shared_ptr<Program> program;
  std::shared_ptr<PageMemory> memory;
  kvs_step_result result;

  std::vector<int32_t> tokens, outputs;
  std::vector<StepSequence> sequences;
  std::vector<std::shared_ptr<QueryWindow>> query_windows;
  bool has_queries = false, collects = false;  // whether any sequence does
  std::vector<int32_t> resident, pages;
  std::vector<size_t> page_offsets;
  std::vector<StepSampling> sampling;
  std::vector<int32_t> history, bias_ids;
  std::vector<float> bias_values;

  // Filled while running, kept for their memory.
  std::vector<int32_t> row_sequence, row_position;
  std::vector<float> row_change;
  std::vector<FloatArray> cosines, sines;  // per rope [rows, pairs]
  SharedSpans shared;
  std::vector<AttendPart> attend_tiles, attend_parts, attend_merges;
  std::vector<CollectPart> collect_parts;
  FloatArray partials, carry;

 private:
  void copy_sequence(const kvs_sequence& sequence, int32_t index);
  void copy_signals(const kvs_sequence& sequence, int32_t index, StepSequence& copy);
  void check_written_pages(const StepSequence& sequence, int32_t index);
  void copy_outputs(const kvs_step& step);
  void copy_sampling(const kvs_sampling& sampling, int32_t index);

  uint64_t round_ = 0;
};

}  // namespace kvasir

#endif
