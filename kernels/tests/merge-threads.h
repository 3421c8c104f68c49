#ifndef KVASIR_TESTS_MERGE_THREADS_H
#define KVASIR_TESTS_MERGE_THREADS_H

#include <string>

#include "kvasir.h"

namespace kvasir_tests {

// Whether compactions that fold values give the same bits on 1, 2 and 4 threads.
bool merges_alike(const std::string& level, kvs_dtype dtype);

}  // namespace kvasir_tests

#endif
