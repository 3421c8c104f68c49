#include "step-job.h"

#include <math.h>

#include "executor.h"
#include "handles.h"

namespace kvasir {

namespace {

void check_list(const char* field, int64_t count, const void* items) {
  check_range(field, count, 0, INT32_MAX);
  if (count > 0) check_pointer(field, items);
}

// Whether a mask lets any token through; bits past the vocabulary say nothing.
bool allows_any(const uint32_t* allowed, int32_t vocab) {
  const int32_t whole = vocab / 32, rest = vocab % 32;
  for (int32_t i = 0; i < whole; ++i) {
    if (allowed[i] != 0) return true;
  }
  return rest > 0 && (allowed[whole] & ((1u << rest) - 1)) != 0;
}

}  // namespace

void StepJob::prepare(std::shared_ptr<Program> program_, std::shared_ptr<PageMemory> memory_, const kvs_step& step,
                      const kvs_step_result& result_) {
  program = std::move(program_);
  memory = std::move(memory_);
  result = result_;
  if (program->device() != memory->device()) invalid("the pages belong to another device than the program");
  if (memory->spec().head_dim != program->head_dim) {
    invalid("the pages hold heads of %d elements; the program's head_dim is %d", memory->spec().head_dim,
            program->head_dim);
  }
  check_range("rows", step.rows, 1, INT32_MAX);
  check_pointer("tokens", step.tokens);
  tokens.assign(step.tokens, step.tokens + step.rows);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && tokens[i] < program->vocab_size) continue;
    invalid("tokens[%zu] is %d; expected 0 to %d", i, tokens[i], program->vocab_size - 1);
  }
  check_list("sequences", step.sequence_count, step.sequences);
  sequences.clear();
  resident.clear();
  pages.clear();
  page_offsets.clear();
  query_windows.clear();
  has_queries = collects = false;
  round_ = program->next_round();
  memory->marks().clear();
  for (int32_t i = 0; i < step.sequence_count; ++i) copy_sequence(step.sequences[i], i);
  const int64_t covered = sequences.empty() ? 0 : sequences.back().first_row + int64_t{sequences.back().rows};
  if (covered != step.rows) {
    invalid("rows is %d; expected %lld, the sum of the sequences' rows", step.rows, static_cast<long long>(covered));
  }
  copy_outputs(step);
}

void StepJob::copy_sequence(const kvs_sequence& s, int32_t index) {
  const int32_t page_tokens = memory->spec().page_tokens;
  const int32_t first_row = sequences.empty() ? 0 : sequences.back().first_row + sequences.back().rows;
  check_range({"sequences", index, "rows"}, s.rows, 1, rows() - first_row);
  check_range({"sequences", index, "position"}, s.position, 0, INT32_MAX - s.rows);
  check_range({"sequences", index, "sinks"}, s.sinks, 0, INT32_MAX);
  if (s.sinks > 0 && program->has_dynamic_attention) {
    invalid("sequences[%d].sinks is %d; expected 0, as keys of a dynamic rope cannot be turned again", index, s.sinks);
  }
  check_pointer("resident", s.resident);
  check_list("page_count", s.page_count, s.pages);
  StepSequence sequence = {};
  sequence.first_row = first_row;
  sequence.rows = s.rows;
  sequence.position = s.position;
  sequence.sinks = s.sinks;
  sequence.first_table = static_cast<int64_t>(resident.size());
  copy_signals(s, index, sequence);
  resident.insert(resident.end(), s.resident, s.resident + program->tables());
  int64_t expected = 0;
  for (int64_t t = 0; t < program->tables(); ++t) {
    const int32_t used = resident[static_cast<size_t>(sequence.first_table + t)];
    if (used < 0 || used > s.position) {
      invalid("sequences[%d].resident[%lld] is %d; expected 0 to %d, the position", index, static_cast<long long>(t),
              used, s.position);
    }
    page_offsets.push_back(pages.size() + static_cast<size_t>(expected));
    expected += (int64_t{used} + s.rows + page_tokens - 1) / page_tokens;
  }
  if (expected != s.page_count) {
    invalid("sequences[%d].page_count is %d; expected %lld, the sum of ceil((resident + rows) / %d)", index,
            s.page_count, static_cast<long long>(expected), page_tokens);
  }
  const size_t first_page = pages.size();
  pages.insert(pages.end(), s.pages, s.pages + s.page_count);
  for (size_t i = first_page; i < pages.size(); ++i) {
    if (pages[i] >= 0 && pages[i] < memory->spec().pages) continue;
    invalid("sequences[%d].pages[%zu] is %d; expected 0 to %d", index, i - first_page, pages[i],
            memory->spec().pages - 1);
  }
  sequences.push_back(sequence);
  check_written_pages(sequence, index);
}

void StepJob::copy_signals(const kvs_sequence& s, int32_t index, StepSequence& copy) {
  if (s.queries != nullptr) {
    const std::shared_ptr<QueryWindow>& queries = s.queries->shared;
    if (!queries->belongs_to(program)) invalid("sequences[%d].queries belongs to another program", index);
    if (!queries->name(round_)) invalid("sequences[%d].queries is named twice in this step", index);
    query_windows.push_back(queries);
    copy.queries = queries.get();
    has_queries = true;
  }
  if (s.collect == nullptr) return;
  check_range({"sequences", index, "collect.reduce"}, s.collect->reduce, KVS_MEAN, KVS_SUM);
  check_range({"sequences", index, "collect.noise"}, s.collect->noise, 0, 1);
  // Beyond, scores that f32 holds would become infinite, or all alike.
  if (!(s.collect->temperature >= 1e-6f && s.collect->temperature <= 1e6f)) {
    invalid("sequences[%d].collect.temperature is %g; expected 1e-6 to 1e6", index,
            static_cast<double>(s.collect->temperature));
  }
  copy.collection = *s.collect;
  copy.collects = collects = true;
}

// Two heads that write to one page would overwrite each other's slots. One that collects writes to all of its pages.
void StepJob::check_written_pages(const StepSequence& sequence, int32_t index) {
  const int32_t page_tokens = memory->spec().page_tokens;
  for (int64_t t = 0; t < program->tables(); ++t) {
    const Table used = table(sequence, 0, t);
    const int64_t end = (int64_t{used.resident} + sequence.rows + page_tokens - 1) / page_tokens;
    for (int64_t i = sequence.collects ? 0 : used.resident / page_tokens; i < end; ++i) {
      if (memory->marks().owner(used.pages[i]) != PageMarks::kNone) {
        invalid("sequences[%d]: page %d is written twice in this step", index, used.pages[i]);
      }
      memory->marks().mark(used.pages[i], index);
    }
  }
}

void StepJob::copy_outputs(const kvs_step& step) {
  check_list("outputs", step.output_count, step.outputs);
  outputs.assign(step.outputs, step.outputs + step.output_count);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int32_t low = i == 0 ? 0 : outputs[i - 1] + 1;
    if (outputs[i] >= low && outputs[i] < step.rows) continue;
    invalid("outputs[%zu] is %d; expected %d to %d, ascending", i, outputs[i], low, step.rows - 1);
  }
  sampling.clear();
  history.clear();
  bias_ids.clear();
  bias_values.clear();
  if (step.sampling == nullptr) return;
  if (program->logits_width() != program->vocab_size) {
    invalid("sampling of logits of width %lld; expected %d, the vocabulary", static_cast<long long>(program->logits_width()),
            program->vocab_size);
  }
  for (int32_t i = 0; i < step.output_count; ++i) copy_sampling(step.sampling[i], i);
}

void StepJob::copy_sampling(const kvs_sampling& s, int32_t i) {
  const auto number = [i](const char* field, float value, bool good, const char* expected) {
    if (!good) invalid("sampling[%d].%s is %g; expected %s", i, field, static_cast<double>(value), expected);
  };
  const int32_t vocab = program->vocab_size;
  number("temperature", s.temperature, s.temperature >= 0 && isfinite(s.temperature), "a finite number, at least 0");
  check_range({"sampling", i, "top_k"}, s.top_k, 0, INT32_MAX);
  number("top_p", s.top_p, s.top_p > 0 && s.top_p <= 1, "a number above 0, at most 1");
  number("min_p", s.min_p, s.min_p >= 0 && s.min_p <= 1, "a number from 0 to 1");
  number("repetition_penalty", s.repetition_penalty, s.repetition_penalty > 0 && isfinite(s.repetition_penalty),
         "a finite number above 0");
  number("presence_penalty", s.presence_penalty, isfinite(s.presence_penalty), "a finite number");
  number("frequency_penalty", s.frequency_penalty, isfinite(s.frequency_penalty), "a finite number");
  check_list("history_count", s.history_count, s.history);
  check_range({"sampling", i, "prompt_length"}, s.prompt_length, 0, s.history_count);
  check_list("bias_count", s.bias_count, s.bias_ids);
  check_list("bias_count", s.bias_count, s.bias_values);
  check_range({"sampling", i, "top_logprobs"}, s.top_logprobs, -1, vocab);
  if (s.top_logprobs > 0 && (result.top_ids != nullptr || result.top_logprobs != nullptr)) {
    check_range({"sampling", i, "top_logprobs"}, s.top_logprobs, 0, result.top_stride);
  }
  if (s.allowed != nullptr && !allows_any(s.allowed, vocab)) {
    invalid("sampling[%d].allowed has no bit set; expected at least one token that may be drawn", i);
  }
  sampling.push_back({s, history.size(), bias_ids.size()});
  history.insert(history.end(), s.history, s.history + s.history_count);
  for (size_t h = sampling.back().history; h < history.size(); ++h) {
    check_range({"sampling", i, "history"}, history[h], 0, vocab - 1);
  }
  bias_ids.insert(bias_ids.end(), s.bias_ids, s.bias_ids + s.bias_count);
  bias_values.insert(bias_values.end(), s.bias_values, s.bias_values + s.bias_count);
  for (size_t b = sampling.back().bias; b < bias_ids.size(); ++b) {
    check_range({"sampling", i, "bias_ids"}, bias_ids[b], 0, vocab - 1);
    number("bias_values", bias_values[b], bias_values[b] < INFINITY, "a number below infinity");
  }
}

void StepJob::run(Device& device) { Executor(device, *this).run(); }

void StepJob::release() {
  const std::shared_ptr<Program> keep = std::move(program);
  memory.reset();
  query_windows.clear();
  keep->give_back(std::unique_ptr<StepJob>(this));
}

}  // namespace kvasir
