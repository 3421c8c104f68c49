// The tile registers of AMX as far as products of int8 need them. With KVASIR_EMULATE_TILES they are plain
// arrays instead, so that what is written for them can be checked on processors without (kernels/check-tiles).
#ifndef KVASIR_VECTOR_TILES_H
#define KVASIR_VECTOR_TILES_H

#include <stdint.h>

#if !defined(KVASIR_EMULATE_TILES)
#include <immintrin.h>
#endif

namespace kvasir {
namespace {

// Sums are [16 rows, 16 outputs] of int32, x [16 rows, 32 inputs] of int8, weights [8 quads, 16 outputs, 4] of uint8.
constexpr int kTileRows16 = 16;
constexpr int kTileInputs = 32;
constexpr int kTileQuads = kTileInputs / 4;

#if defined(KVASIR_EMULATE_TILES)

struct TileArrays {
  int32_t sums[2][16][16];
  int8_t x[2][16][kTileInputs];
  uint8_t weights[2][kTileQuads][64];
};
thread_local TileArrays tile_arrays;

inline void open_tiles() {}
inline void close_tiles() {}

template <int kAt>
inline void load_inputs(const int8_t* x, int64_t stride) {
  for (int r = 0; r < 16; ++r) __builtin_memcpy(tile_arrays.x[kAt][r], x + r * stride, kTileInputs);
}

template <int kAt>
inline void load_weights(const uint8_t* quads) {
  __builtin_memcpy(tile_arrays.weights[kAt], quads, sizeof tile_arrays.weights[kAt]);
}

template <int kAt>
inline void multiply_tiles() {
  TileArrays& t = tile_arrays;
  for (int r = 0; r < 16; ++r) {
    for (int o = 0; o < 16; ++o) {
      int32_t sum = 0;
      for (int i = 0; i < kTileInputs; ++i) sum += t.x[kAt][r][i] * t.weights[kAt][i / 4][4 * o + i % 4];
      t.sums[kAt][r][o] = sum;
    }
  }
}

template <int kAt>
inline void store_sums(int32_t* sums) {
  __builtin_memcpy(sums, tile_arrays.sums[kAt], sizeof tile_arrays.sums[kAt]);
}

#else

// Palette 1 (Intel's manual, volume 1, 18.2). Registers 0 and 1 hold sums, 2 and 3 inputs, 4 and 5 weights: two of
// each, so that a product can begin before the sums of the last are stored.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, kTileInputs, kTileInputs, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, kTileQuads, kTileQuads};
};
static const TileShapes tile_shapes;

// GCC's intrinsics do not say that they read memory.
inline void finish_stores() { __asm__ volatile("" ::: "memory"); }

inline void open_tiles() {
  finish_stores();
  _tile_loadconfig(&tile_shapes);
}
inline void close_tiles() { _tile_release(); }

// The intrinsics take the register as a literal.
template <int kAt>
inline void load_inputs(const int8_t* x, int64_t stride) {
  finish_stores();
  if constexpr (kAt == 0) {
    _tile_loadd(2, x, stride);
  } else {
    _tile_loadd(3, x, stride);
  }
}

template <int kAt>
inline void load_weights(const uint8_t* quads) {
  finish_stores();
  if constexpr (kAt == 0) {
    _tile_loadd(4, quads, 64);
  } else {
    _tile_loadd(5, quads, 64);
  }
}

template <int kAt>
inline void multiply_tiles() {
  if constexpr (kAt == 0) {
    _tile_zero(0);
    _tile_dpbsud(0, 2, 4);
  } else {
    _tile_zero(1);
    _tile_dpbsud(1, 3, 5);
  }
}

template <int kAt>
inline void store_sums(int32_t* sums) {
  if constexpr (kAt == 0) {
    _tile_stored(0, sums, 64);
  } else {
    _tile_stored(1, sums, 64);
  }
}

#endif

}  // namespace
}  // namespace kvasir

#endif
