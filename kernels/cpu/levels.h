// Which levels this machine can run.
#ifndef KVASIR_LEVELS_H
#define KVASIR_LEVELS_H

#include "kernel-table.h"

namespace kvasir {

// Comma-separated, slowest first.
const char* level_names();

// The level of that name, or the best for null. Throws where it does not exist or cannot run here.
const KernelTable* find_level(const char* name);

}  // namespace kvasir

#endif
