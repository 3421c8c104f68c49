#include "attend-args.h"

namespace kvasir {

AttendArgs head_args(const Program& program, const kvs_instruction& attend, const PageMemory& memory,
                     const HeadSlots& slots, float* angles) {
  AttendArgs args = {};
  args.head_dim = program.head_dim;
  args.row_stride = program.buffers[static_cast<size_t>(attend.a)].width;
  args.group = static_cast<int32_t>(program.query_heads(attend) / program.kv_heads);
  args.scale = attend.f0;
  args.strict = attend.i1;
  args.window = attend.i2;
  args.page_tokens = memory.spec().page_tokens;
  args.dtype = memory.spec().dtype;
  args.pages = slots.pages;
  args.keys = memory.keys();
  args.values = memory.values();
  args.positions = memory.positions();
  const Rope& rope = program.ropes[static_cast<size_t>(attend.i3)];
  args.sinks = slots.forward == 0 ? 0 : slots.sinks;
  args.turned_pairs = static_cast<int32_t>(rope.pairs());
  args.interleaved = rope.interleaved;
  args.turn_cos = angles;
  args.turn_sin = angles + rope.pairs();
  if (args.sinks > 0) rope.turn(slots.forward, angles, angles + rope.pairs());
  return args;
}

}  // namespace kvasir
