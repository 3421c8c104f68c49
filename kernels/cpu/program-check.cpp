// Checks a program once, so that a step can trust every index, width and shape in it.
#include <math.h>

#include "operand-check.h"

namespace kvasir {

namespace {

class Check : OperandCheck {
 public:
  explicit Check(Program& program) : OperandCheck(program), kv_written_(static_cast<size_t>(program.kv_layers), false) {}

  void all() {
    for (size_t i = 0; i < p_.instructions.size(); ++i) {
      index_ = static_cast<int64_t>(i);
      instruction_ = &p_.instructions[i];
      if (index_ == body_end_) close_body();
      instruction(*instruction_);
    }
    instruction_ = nullptr;
    check_range("logits", p_.logits, 0, count(p_.buffers) - 1);
    if (!buffer_at(p_.logits).outputs) invalid("logits is buffer %d with rows tokens; expected rows outputs", p_.logits);
    if (!written_[static_cast<size_t>(p_.logits)]) invalid("logits is buffer %d, which is never written", p_.logits);
  }

 private:
  void instruction(const kvs_instruction& i) {
    switch (i.op) {
      case KVS_EMBED:
        tensor("c (table)", i.c, p_.vocab_size, width("out", i.out));
        if (tensor_at(i.c).packed()) wrong("c (table)", "packed; expected floats or blocks");
        rows("out", i.out, false);
        return write(i.out);
      case KVS_RMS_NORM:
        return rms_norm(i);
      case KVS_LINEAR:
        return linear(i);
      case KVS_ROPE:
        heads("a (x)", read("a (x)", i.a));
        rows("a (x)", i.a, false);
        range("i0 (rope)", i.i0, 0, count(p_.ropes) - 1);
        return write_like(i.out, i.a);
      case KVS_WRITE_KV:
        range("i0 (kv layer)", i.i0, 0, p_.kv_layers - 1);
        key_width("a (k)", i.a);
        key_width("b (v)", i.b);
        range("i1 (rope)", i.i1, -1, count(p_.ropes) - 1);
        kv_written_[static_cast<size_t>(i.i0)] = true;
        return;
      case KVS_ATTEND:
        return attend(i);
      case KVS_SWIGLU:
      case KVS_ADD:
        read("a", i.a);
        like("b", i.b, i.a);
        read("b", i.b);
        return write_like(i.out, i.a);
      case KVS_GATHER_OUTPUTS:
        rows("out", i.out, true);
        rows("a (x)", i.a, false);
        same_width("out", i.out, read("a (x)", i.a));
        return write(i.out);
      case KVS_ITERATE:
        return iterate(i);
      case KVS_GATED:
        return gated(i);
      default:
        invalid("instruction %lld: op is %d; expected 0 to %d", as_long(index_), i.op, KVS_GATED);
    }
  }

  void rms_norm(const kvs_instruction& i) {
    const int64_t x = read("a (x)", i.a);
    range("c (weight)", i.c, 0, count(p_.tensors) - 1);
    floats("c (weight)", i.c);
    const Shape& weight = p_.tensors[static_cast<size_t>(i.c)]->shape();
    if (weight.rank != 1 || x % weight.sizes[0] != 0) {
      wrong("c (weight)", "rank %d and %lld elements; expected one dimension that divides %lld", weight.rank,
            as_long(weight.sizes[0]), as_long(x));
    }
    number("f0 (eps)", i.f0, 0);
    write_like(i.out, i.a);
  }

  void linear(const kvs_instruction& i) {
    const int64_t inputs = read("a (x)", i.a);
    const int64_t outputs = width("out", i.out);
    if (i.out == i.a) wrong("out", "buffer %d; expected another buffer than a (x)", i.out);
    rows("out", i.out, buffer_at(i.a).outputs);
    weight("c (weight)", i.c, outputs, inputs);
    if (i.i0 != -1) {
      range("i0 (bias)", i.i0, 0, count(p_.tensors) - 1);
      floats("i0 (bias)", i.i0);
      const Shape& bias = p_.tensors[static_cast<size_t>(i.i0)]->shape();
      if (bias.rank != 1 || bias.sizes[0] != outputs) {
        wrong("i0 (bias)", "rank %d and %lld elements; expected one dimension of %lld", bias.rank,
              as_long(bias.sizes[0]), as_long(outputs));
      }
    }
    if (i.b != -1) {
      like("b (residual)", i.b, i.out);
      read("b (residual)", i.b);
    }
    write(i.out);
  }

  void gated(const kvs_instruction& i) {
    const int64_t inputs = read("a (x)", i.a);
    const int64_t outputs = width("out", i.out);
    if (i.out == i.a) wrong("out", "buffer %d; expected another buffer than a (x)", i.out);
    rows("out", i.out, buffer_at(i.a).outputs);
    weight("c (gate)", i.c, outputs, inputs);
    weight("i0 (up)", i.i0, outputs, inputs);
    if (tensor_at(i.c).dtype() != tensor_at(i.i0).dtype()) {
      wrong("i0 (up)", "of dtype %d; expected that of the gate (%d)", tensor_at(i.i0).dtype(), tensor_at(i.c).dtype());
    }
    write(i.out);
  }

  void attend(const kvs_instruction& i) {
    const int64_t q_heads = heads("a (q)", read("a (q)", i.a));
    rows("a (q)", i.a, false);
    if (q_heads % p_.kv_heads != 0) {
      wrong("a (q)", "%lld heads; expected a multiple of %d kv heads", as_long(q_heads), p_.kv_heads);
    }
    range("i0 (kv layer)", i.i0, 0, p_.kv_layers - 1);
    if (!kv_written_[static_cast<size_t>(i.i0)]) {
      wrong("i0 (kv layer)", "%d; expected one that was written before, or that an iterate around it lists", i.i0);
    }
    range("i1 (strict)", i.i1, 0, 1);
    range("i2 (window)", i.i2, 0, INT32_MAX);
    range("i3 (rope)", i.i3, 0, count(p_.ropes) - 1);
    number("f0 (scale)", i.f0, -INFINITY);
    if (i.out == i.a) wrong("out", "buffer %d; expected another buffer than a (q)", i.out);
    if (p_.ropes[static_cast<size_t>(i.i3)].dynamic_base != 0) p_.has_dynamic_attention = true;
    write_like(i.out, i.a);
  }

  void iterate(const kvs_instruction& i) {
    if (body_end_ >= 0) wrong("op", "inside another iterate; expected no nesting");
    range("i0 (body)", i.i0, 1, count(p_.instructions) - index_ - 1);
    range("i1 (passes)", i.i1, 1, INT32_MAX);
    number("f0 (tolerance)", i.f0, 0);
    range("i3 (count)", i.i3, 0, count(p_.kv_layer_lists));
    range("i2 (first)", i.i2, 0, count(p_.kv_layer_lists) - i.i3);
    for (int32_t k = 0; k < i.i3; ++k) {
      const int32_t layer = p_.kv_layer_lists[static_cast<size_t>(i.i2 + k)];
      range("kv layer", layer, 0, p_.kv_layers - 1);
      bool found = false;
      for (int32_t b = 1; b <= i.i0; ++b) {
        const kvs_instruction& inner = p_.instructions[static_cast<size_t>(index_ + b)];
        found = found || (inner.op == KVS_WRITE_KV && inner.i0 == layer);
      }
      if (!found) wrong("kv layer", "%d; expected one that the body writes", layer);
      kv_written_[static_cast<size_t>(layer)] = true;
    }
    body_end_ = index_ + 1 + i.i0;
  }

  std::vector<bool> kv_written_;
};

}  // namespace

void check_program(Program& program) {
  check_range("kv_layers", program.kv_layers, 1, 65536);
  check_range("kv_heads", program.kv_heads, 1, 65536);
  check_range("head_dim", program.head_dim, 2, 1024);
  if (program.head_dim % 2 != 0) invalid("head_dim is %d; expected an even number", program.head_dim);
  check_range("vocab_size", program.vocab_size, 1, INT32_MAX);
  for (const Rope& rope : program.ropes) check_range("rope.count", rope.pairs(), 1, program.head_dim / 2);
  Check(program).all();
}

}  // namespace kvasir
