// Checks a program once, so that a step can trust every index, width and shape in it.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "program.h"

namespace kvasir {

namespace {

const char* op_name(int32_t op) {
  static const char* const names[] = {"embed",  "rms_norm", "linear", "rope",   "write_kv",
                                      "attend", "swiglu",   "add",    "gather", "iterate"};
  return op >= KVS_EMBED && op <= KVS_ITERATE ? names[op] : "unknown";
}

class Check {
 public:
  explicit Check(Program& program)
      : p_(program),
        written_(program.buffers.size(), false),
        read_in_body_(program.buffers.size(), false),
        written_in_body_(program.buffers.size(), false),
        kv_written_(static_cast<size_t>(program.kv_layers), false) {}

  void all() {
    for (size_t i = 0; i < p_.instructions.size(); ++i) {
      index_ = static_cast<int64_t>(i);
      instruction_ = &p_.instructions[i];
      if (index_ == body_end_) close_body();
      instruction(*instruction_);
    }
    instruction_ = nullptr;
    check_range("logits", p_.logits, 0, count(p_.buffers) - 1);
    const Buffer& logits = buffer_at(p_.logits);
    if (!logits.outputs || logits.width != p_.vocab_size) {
      invalid("logits is buffer %d of width %lld and rows %s; expected width %d and rows outputs", p_.logits,
              as_long(logits.width), logits.outputs ? "outputs" : "tokens", p_.vocab_size);
    }
    if (!written_[static_cast<size_t>(p_.logits)]) invalid("logits is buffer %d, which is never written", p_.logits);
  }

 private:
  template <class List>
  static int64_t count(const List& list) {
    return static_cast<int64_t>(list.size());
  }
  static long long as_long(int64_t value) { return static_cast<long long>(value); }
  const Buffer& buffer_at(int32_t index) const { return p_.buffers[static_cast<size_t>(index)]; }

  void instruction(const kvs_instruction& i) {
    switch (i.op) {
      case KVS_EMBED:
        tensor("c (table)", i.c, p_.vocab_size, width("out", i.out));
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
      default:
        invalid("instruction %lld: op is %d; expected 0 to %d", as_long(index_), i.op, KVS_ITERATE);
    }
  }

  void rms_norm(const kvs_instruction& i) {
    const int64_t x = read("a (x)", i.a);
    range("c (weight)", i.c, 0, count(p_.tensors) - 1);
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
    tensor("c (weight)", i.c, outputs, inputs);
    if (i.i0 != -1) {
      range("i0 (bias)", i.i0, 0, count(p_.tensors) - 1);
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

  void close_body() {
    body_end_ = -1;
    read_in_body_.assign(read_in_body_.size(), false);
    written_in_body_.assign(written_in_body_.size(), false);
  }

  int64_t width(const char* field, int32_t buffer) {
    range(field, buffer, 0, count(p_.buffers) - 1);
    if (body_end_ >= 0) rows(field, buffer, false);
    return buffer_at(buffer).width;
  }

  int64_t read(const char* field, int32_t buffer) {
    const int64_t result = width(field, buffer);
    const auto b = static_cast<size_t>(buffer);
    if (!written_[b]) wrong(field, "buffer %d; expected one that was written before", buffer);
    if (body_end_ >= 0 && !written_in_body_[b]) read_in_body_[b] = true;
    return result;
  }

  void write(int32_t buffer) {
    const auto b = static_cast<size_t>(buffer);
    if (body_end_ >= 0) {
      if (read_in_body_[b]) {
        wrong("out", "buffer %d; expected one that the body does not read from before it", buffer);
      }
      written_in_body_[b] = true;
    }
    written_[b] = true;
  }

  void write_like(int32_t out, int32_t other) {
    like("out", out, other);
    write(out);
  }

  void like(const char* field, int32_t buffer, int32_t other) {
    width(field, buffer);
    rows(field, buffer, buffer_at(other).outputs);
    same_width(field, buffer, buffer_at(other).width);
  }

  void same_width(const char* field, int32_t buffer, int64_t expected) {
    const int64_t found = width(field, buffer);
    if (found == expected) return;
    wrong(field, "buffer %d of width %lld; expected %lld", buffer, as_long(found), as_long(expected));
  }

  void rows(const char* field, int32_t buffer, bool outputs) {
    range(field, buffer, 0, count(p_.buffers) - 1);
    if (buffer_at(buffer).outputs == outputs) return;
    wrong(field, "buffer %d, whose rows are the %s; expected the %s", buffer, outputs ? "tokens" : "outputs",
          outputs ? "outputs" : "tokens");
  }

  int64_t heads(const char* field, int64_t width) {
    if (width % p_.head_dim != 0) {
      wrong(field, "width %lld; expected a multiple of head_dim (%d)", as_long(width), p_.head_dim);
    }
    return width / p_.head_dim;
  }

  void key_width(const char* field, int32_t buffer) {
    read(field, buffer);
    rows(field, buffer, false);
    same_width(field, buffer, static_cast<int64_t>(p_.kv_heads) * p_.head_dim);
  }

  void tensor(const char* field, int32_t tensor, int64_t first, int64_t second) {
    range(field, tensor, 0, count(p_.tensors) - 1);
    const Shape& shape = p_.tensors[static_cast<size_t>(tensor)]->shape();
    if (shape.rank == 2 && shape.sizes[0] == first && shape.sizes[1] == second) return;
    wrong(field, "tensor %d of rank %d [%lld, %lld]; expected [%lld, %lld]", tensor, shape.rank,
          as_long(shape.sizes[0]), as_long(shape.sizes[1]), as_long(first), as_long(second));
  }

  void number(const char* field, float value, float low) {
    if (isfinite(value) && value >= low) return;
    wrong(field, "%g; expected a finite number%s", static_cast<double>(value), low == 0 ? ", at least 0" : "");
  }

  void range(const char* field, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    wrong(field, "%lld; expected %lld to %lld", as_long(value), as_long(low), as_long(high));
  }

  [[noreturn]] void wrong(const char* field, const char* format, ...) __attribute__((format(printf, 3, 4))) {
    char text[160];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    invalid("instruction %lld (%s): %s is %s", as_long(index_), op_name(instruction_->op), field, text);
  }

  Program& p_;
  int64_t index_ = 0;
  const kvs_instruction* instruction_ = nullptr;
  std::vector<bool> written_, read_in_body_, written_in_body_, kv_written_;
  int64_t body_end_ = -1;  // past the iterate's body that is being read
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
