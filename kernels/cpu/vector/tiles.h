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

// Sums are [16 rows, 16 outputs] of int32, x [16 rows, 32 inputs] of int8, weights [8 quads, 16 outputs, 4] of int8.
// There are sums and weights of two strips of outputs.
constexpr int kRegisterRows = 16;
constexpr int kTileInputs = 32;
constexpr int kTileQuads = kTileInputs / 4;
constexpr int kTileStrips = 2;

#if defined(KVASIR_EMULATE_TILES)

struct TileArrays {
  int32_t sums[kTileStrips][kRegisterRows][16];
  int8_t x[kRegisterRows][kTileInputs];
  int8_t weights[kTileStrips][kTileQuads][64];
};
thread_local TileArrays tile_arrays;

inline void open_tiles() {}
inline void close_tiles() {}

inline void load_inputs(const int8_t* x, int64_t stride) {
  for (int r = 0; r < kRegisterRows; ++r) __builtin_memcpy(tile_arrays.x[r], x + r * stride, kTileInputs);
}

template <int kStrip>
inline void load_weights(const int8_t* quads) {
  __builtin_memcpy(tile_arrays.weights[kStrip], quads, sizeof tile_arrays.weights[kStrip]);
}

template <int kStrip>
inline void multiply_tiles() {
  TileArrays& t = tile_arrays;
  for (int r = 0; r < kRegisterRows; ++r) {
    for (int o = 0; o < 16; ++o) {
      int32_t sum = 0;
      for (int i = 0; i < kTileInputs; ++i) sum += t.x[r][i] * t.weights[kStrip][i / 4][4 * o + i % 4];
      t.sums[kStrip][r][o] = sum;
    }
  }
}

template <int kStrip>
inline void store_sums(int32_t* sums) {
  __builtin_memcpy(sums, tile_arrays.sums[kStrip], sizeof tile_arrays.sums[kStrip]);
}

#else

// Palette 1 (Intel's manual, volume 1, 18.2). Registers 0 and 1 hold sums, 2 inputs, 3 and 4 weights.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, kTileInputs, 64, 64};
  uint8_t rows[16] = {kRegisterRows, kRegisterRows, kRegisterRows, kTileQuads, kTileQuads};
};

// GCC's intrinsics do not say that they read memory, nor that they write it.
inline void order_memory() { __asm__ volatile("" ::: "memory"); }

inline void open_tiles() {
  const TileShapes shapes;
  order_memory();
  _tile_loadconfig(&shapes);
}
inline void close_tiles() { _tile_release(); }

inline void load_inputs(const int8_t* x, int64_t stride) {
  order_memory();
  _tile_loadd(2, x, stride);
}

// The intrinsics take the register as a literal.
template <int kStrip>
inline void load_weights(const int8_t* quads) {
  order_memory();
  if constexpr (kStrip == 0) {
    _tile_loadd(3, quads, 64);
  } else {
    _tile_loadd(4, quads, 64);
  }
}

template <int kStrip>
inline void multiply_tiles() {
  if constexpr (kStrip == 0) {
    _tile_zero(0);
    _tile_dpbssd(0, 2, 3);
  } else {
    _tile_zero(1);
    _tile_dpbssd(1, 2, 4);
  }
}

template <int kStrip>
inline void store_sums(int32_t* sums) {
  if constexpr (kStrip == 0) {
    _tile_stored(0, sums, 64);
  } else {
    _tile_stored(1, sums, 64);
  }
  order_memory();
}

#endif

}  // namespace
}  // namespace kvasir

#endif
