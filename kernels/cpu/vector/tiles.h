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

// Sums are [rows, 16 outputs] of int32, x [rows, 32 inputs] of int8, weights [8 quads, 16 outputs, 4] of int8.
// There are sums of two turns by two strips of outputs, inputs of two turns, and weights of two strips, so that a
// product can begin before the sums of the last are stored.
constexpr int kRegisterRows = 16;
constexpr int kTileInputs = 32;
constexpr int kTileQuads = kTileInputs / 4;
constexpr int kTileStrips = 2;

#if defined(KVASIR_EMULATE_TILES)

struct TileArrays {
  int rows;
  int32_t sums[2][kTileStrips][kRegisterRows][16];
  int8_t x[2][kRegisterRows][kTileInputs];
  int8_t weights[kTileStrips][kTileQuads][64];
};
thread_local TileArrays tile_arrays;

inline void open_tiles(int rows) { tile_arrays.rows = rows; }
inline void close_tiles() {}

template <int kTurn>
inline void load_inputs(const int8_t* x, int64_t stride) {
  for (int r = 0; r < tile_arrays.rows; ++r) __builtin_memcpy(tile_arrays.x[kTurn][r], x + r * stride, kTileInputs);
}

template <int kStrip>
inline void load_weights(const int8_t* quads) {
  __builtin_memcpy(tile_arrays.weights[kStrip], quads, sizeof tile_arrays.weights[kStrip]);
}

template <int kTurn, int kStrip>
inline void multiply_tiles() {
  TileArrays& t = tile_arrays;
  for (int r = 0; r < t.rows; ++r) {
    for (int o = 0; o < 16; ++o) {
      int32_t sum = 0;
      for (int i = 0; i < kTileInputs; ++i) sum += t.x[kTurn][r][i] * t.weights[kStrip][i / 4][4 * o + i % 4];
      t.sums[kTurn][kStrip][r][o] = sum;
    }
  }
}

template <int kTurn, int kStrip>
inline void store_sums(int32_t* sums) {
  __builtin_memcpy(sums, tile_arrays.sums[kTurn][kStrip], static_cast<size_t>(tile_arrays.rows) * 64);
}

#else

// Palette 1 (Intel's manual, volume 1, 18.2). Registers 0 to 3 hold sums, 4 and 5 inputs, 6 and 7 weights.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, kTileInputs, kTileInputs, 64, 64};
  uint8_t rows[16] = {};
};

// GCC's intrinsics do not say that they read memory.
inline void finish_stores() { __asm__ volatile("" ::: "memory"); }

// rows: 1 to kRegisterRows.
inline void open_tiles(int rows) {
  TileShapes shapes;
  for (int i = 0; i < 6; ++i) shapes.rows[i] = static_cast<uint8_t>(rows);
  for (int i = 6; i < 8; ++i) shapes.rows[i] = kTileQuads;
  finish_stores();
  _tile_loadconfig(&shapes);
}
inline void close_tiles() { _tile_release(); }

// The intrinsics take the register as a literal.
template <int kTurn>
inline void load_inputs(const int8_t* x, int64_t stride) {
  finish_stores();
  if constexpr (kTurn == 0) {
    _tile_loadd(4, x, stride);
  } else {
    _tile_loadd(5, x, stride);
  }
}

template <int kStrip>
inline void load_weights(const int8_t* quads) {
  finish_stores();
  if constexpr (kStrip == 0) {
    _tile_loadd(6, quads, 64);
  } else {
    _tile_loadd(7, quads, 64);
  }
}

template <int kTurn, int kStrip>
inline void multiply_tiles() {
  if constexpr (kTurn == 0 && kStrip == 0) {
    _tile_zero(0);
    _tile_dpbssd(0, 4, 6);
  } else if constexpr (kTurn == 0) {
    _tile_zero(1);
    _tile_dpbssd(1, 4, 7);
  } else if constexpr (kStrip == 0) {
    _tile_zero(2);
    _tile_dpbssd(2, 5, 6);
  } else {
    _tile_zero(3);
    _tile_dpbssd(3, 5, 7);
  }
}

template <int kTurn, int kStrip>
inline void store_sums(int32_t* sums) {
  if constexpr (kTurn == 0 && kStrip == 0) {
    _tile_stored(0, sums, 64);
  } else if constexpr (kTurn == 0) {
    _tile_stored(1, sums, 64);
  } else if constexpr (kStrip == 0) {
    _tile_stored(2, sums, 64);
  } else {
    _tile_stored(3, sums, 64);
  }
}

#endif

}  // namespace
}  // namespace kvasir

#endif
