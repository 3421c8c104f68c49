// What the newest queries of sequences say about the slots of their heads, outside of steps; checked when made.
#ifndef KVASIR_ATTENTION_READ_H
#define KVASIR_ATTENTION_READ_H

#include "page-memory.h"
#include "program.h"

namespace kvasir {

std::unique_ptr<Job> make_attention_read(std::shared_ptr<Program> program, std::shared_ptr<PageMemory> memory,
                                         const kvs_attention_read* reads, int32_t count);

}  // namespace kvasir

#endif
