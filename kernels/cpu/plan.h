// What the executor does at once: decided when a program is made, from what its instructions read and write.
#ifndef KVASIR_PLAN_H
#define KVASIR_PLAN_H

#include <vector>

#include "program.h"

namespace kvasir {

struct Plan {
  // linear, gated: how many instructions from here on read the same rows and run in one parallel region; 1: alone.
  int32_t joined = 1;
  // linear, gated: their input is rounded to int8 first. rms_norm: the same, of what it writes, row by row.
  bool quantize = false;
};

// One entry for each instruction of a checked program.
std::vector<Plan> make_plan(const Program& program);

// Which buffers are ever rounded to int8.
std::vector<bool> quantized_buffers(const Program& program);

}  // namespace kvasir

#endif
