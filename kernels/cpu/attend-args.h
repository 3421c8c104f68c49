// What attention and what observes it have in common: the slots of one KV head, and how one layer scores them.
#ifndef KVASIR_ATTEND_ARGS_H
#define KVASIR_ATTEND_ARGS_H

#include "page-memory.h"
#include "program.h"

namespace kvasir {

// Slots of one KV head: its pages, and how many first slots are seen as if turned `forward` positions.
struct HeadSlots {
  const int32_t* pages;
  int32_t sinks, forward;
};

// Everything but the queries, what they see, the scratch, and where the results go. `angles`: head_dim floats that
// stay.
AttendArgs head_args(const Program& program, const kvs_instruction& attend, const PageMemory& memory,
                     const HeadSlots& slots, float* angles);

}  // namespace kvasir

#endif
