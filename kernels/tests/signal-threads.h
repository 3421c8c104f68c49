#ifndef KVASIR_TESTS_SIGNAL_THREADS_H
#define KVASIR_TESTS_SIGNAL_THREADS_H

#include <string>

#include "kvasir.h"

namespace kvasir_tests {

// Whether collected attention and what windows of queries say are the same bits on 1, 3 and 4 threads.
bool signals_alike(const std::string& level, kvs_dtype dtype);

}  // namespace kvasir_tests

#endif
