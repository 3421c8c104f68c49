// Running a program.
#pragma once

#include <napi.h>

namespace kvasir_node {

// run(program, pages, step, result): promise. `step` and `result` are FlatStep and FlatResult of
// src/native/flatten-step.ts; what the device computes is written into the arrays of `result`.
Napi::Value Run(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
