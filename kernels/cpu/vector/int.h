// The products of bytes of the level being compiled.
#ifndef KVASIR_INT_H
#define KVASIR_INT_H

#if defined(__AVX512F__)
#include "vector/int-avx512.h"
#elif defined(__AVX2__)
#include "vector/int-avx2.h"
#elif defined(__aarch64__)
#include "vector/int-neon.h"
#else
#include "vector/int-sse2.h"
#endif

#endif
