#include "shared-spans.h"

#include <string.h>

#include "step-job.h"

namespace kvasir {

namespace {

// The pages of the first table of a sequence that fills a span, those of its whole spans.
struct LeadingPages {
  size_t sequence;
  int64_t table, count;
  const int32_t* pages;
};

// Any order will do that puts those beside each other that begin alike.
bool before(const LeadingPages& a, const LeadingPages& b) {
  if (a.table != b.table) return a.table < b.table;
  const int order = memcmp(a.pages, b.pages, static_cast<size_t>(std::min(a.count, b.count)) * sizeof(int32_t));
  if (order != 0) return order < 0;
  return a.count != b.count ? a.count < b.count : a.sequence < b.sequence;
}

int64_t whole_spans_of(const StepJob& step, const StepSequence& sequence, int64_t table) {
  const int32_t resident = step.table(sequence, 0, table).resident;
  return sequence.sinks > 0 && resident != sequence.position ? 0 : resident / kAttendSpan;
}

}  // namespace

void SharedSpans::find(const StepJob& step, WorkerPool& pool) {
  const int64_t tables = step.program->tables();
  const int64_t span_pages = kAttendSpan / step.memory->spec().page_tokens;
  std::vector<LeadingPages> found;
  for (size_t s = 0; s < step.sequences.size(); ++s) {
    const StepSequence& sequence = step.sequences[s];
    if (sequence.rows != 1) continue;
    int64_t table = 0;
    while (table < tables && whole_spans_of(step, sequence, table) == 0) ++table;
    if (table == tables) continue;
    found.push_back({s, table, whole_spans_of(step, sequence, table) * span_pages, step.table(sequence, 0, table).pages});
  }
  std::sort(found.begin(), found.end(), before);

  sequences_.clear();
  members_.clear();
  places_.assign(step.sequences.size(), -1);
  for (const LeadingPages& pages : found) {
    const StepSequence& sequence = step.sequences[pages.sequence];
    places_[pages.sequence] = count();
    sequences_.push_back(pages.sequence);
    members_.push_back({sequence.first_row, sequence.position});
  }
  common_.assign(static_cast<size_t>(tables * (count() + 1)), 0);
  if (count() < 2) return;
  pool.run(tables, [&](int64_t table, int) {
    for (int64_t m = 1; m < count(); ++m) {
      const StepSequence& one = step.sequences[sequence(m - 1)];
      const StepSequence& other = step.sequences[sequence(m)];
      const int32_t* a = step.table(one, 0, table).pages;
      const int32_t* b = step.table(other, 0, table).pages;
      const int64_t most = std::min(whole_spans_of(step, one, table), whole_spans_of(step, other, table));
      const size_t bytes = static_cast<size_t>(span_pages) * sizeof(int32_t);
      int32_t spans = 0;
      while (spans < most && memcmp(a + spans * span_pages, b + spans * span_pages, bytes) == 0) ++spans;
      common_[static_cast<size_t>(table * (count() + 1) + m)] = spans;
    }
  });
}

}  // namespace kvasir
