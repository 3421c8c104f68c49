// Which leading spans of slots several sequences of a step have in the same pages, found by comparing page ids.
#ifndef KVASIR_SHARED_SPANS_H
#define KVASIR_SHARED_SPANS_H

#include <algorithm>
#include <vector>

#include "kernel-table.h"
#include "worker-pool.h"

namespace kvasir {

class StepJob;

// Looks at sequences of one row each, those that decode. They are sorted once for all tables, by the pages of their
// first table that fills a span, so that those with a common prefix are neighbours; what a table of another order
// would share besides is not found. Only spans that are full before the step, and hold no slot whose key is turned
// (StepSequence::sinks), count as shared.
class SharedSpans {
 public:
  // Members [begin, end) have the spans [span_begin, span_end) of a table in common; those before are of the groups
  // around this one. `height` is 1 where no group is inside, and more than that of any group inside.
  struct Group {
    int64_t begin, end;
    int64_t span_begin, span_end;
    int32_t height;
  };

  void find(const StepJob& step, WorkerPool& pool);

  int64_t count() const { return static_cast<int64_t>(members_.size()); }
  const AttendMember* members() const { return members_.data(); }
  // The sequence of a member.
  size_t sequence(int64_t member) const { return sequences_[static_cast<size_t>(member)]; }
  // Which member a sequence is, or -1.
  int64_t member(size_t sequence) const { return places_[sequence]; }
  // Spans of a table that a member shares with any other.
  int64_t shared(int64_t table, int64_t member) const {
    return std::max(common(table, member), common(table, member + 1));
  }

  // Calls f(group) for every group of a table, inner ones before those around them.
  template <class Function>
  void each_group(int64_t table, const Function& f) {
    open_.clear();
    for (int64_t m = 1; m <= count(); ++m) {
      const int64_t spans = common(table, m);
      Group next = {m - 1, 0, 0, spans, 1};
      while (around() > spans) {
        Group group = open_.back();
        open_.pop_back();
        group.end = m;
        group.span_begin = std::max(spans, around());
        f(group);
        next.begin = group.begin;
        Group& outer = around() < spans || open_.empty() ? next : open_.back();
        outer.height = std::max(outer.height, group.height + 1);
      }
      if (spans > around()) open_.push_back(next);
    }
  }

 private:
  // Leading spans that a member and the one before it have in common.
  int64_t common(int64_t table, int64_t member) const {
    return common_[static_cast<size_t>(table * (count() + 1) + member)];
  }
  int64_t around() const { return open_.empty() ? 0 : open_.back().span_end; }

  std::vector<size_t> sequences_;
  std::vector<int64_t> places_;
  std::vector<AttendMember> members_;
  std::vector<int32_t> common_;  // [tables, count + 1]
  std::vector<Group> open_;      // while groups are found: those that have begun, the widest first
};

}  // namespace kvasir

#endif
