// Work on page memory outside of steps: copy pages, read and write their bytes, compact heads, read slots. Each is
// checked when made.
#ifndef KVASIR_PAGE_JOBS_H
#define KVASIR_PAGE_JOBS_H

#include "page-memory.h"

namespace kvasir {

std::unique_ptr<Job> make_page_copy(std::shared_ptr<PageMemory> memory, const int32_t* from, const int32_t* to,
                                    int32_t count);
std::unique_ptr<Job> make_page_read(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count,
                                    uint8_t* out);
std::unique_ptr<Job> make_page_write(std::shared_ptr<PageMemory> memory, const int32_t* pages, int32_t count,
                                     const uint8_t* bytes);
std::unique_ptr<Job> make_compaction(std::shared_ptr<PageMemory> memory, const kvs_compaction* heads, int32_t count);
std::unique_ptr<Job> make_slot_read(std::shared_ptr<PageMemory> memory, kvs_slot_data data,
                                    const kvs_slot_read* tables, int32_t count);

}  // namespace kvasir

#endif
