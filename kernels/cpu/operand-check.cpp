#include "operand-check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

namespace kvasir {

namespace {

const char* op_name(int32_t op) {
  static const char* const names[] = {"embed",  "rms_norm", "linear", "rope",   "write_kv",
                                      "attend", "swiglu",   "add",    "gather", "iterate",  "gated"};
  return op >= KVS_EMBED && op <= KVS_GATED ? names[op] : "unknown";
}

}  // namespace

void OperandCheck::close_body() {
  body_end_ = -1;
  read_in_body_.assign(read_in_body_.size(), false);
  written_in_body_.assign(written_in_body_.size(), false);
}

int64_t OperandCheck::width(const char* field, int32_t buffer) {
  range(field, buffer, 0, count(p_.buffers) - 1);
  if (body_end_ >= 0) rows(field, buffer, false);
  return buffer_at(buffer).width;
}

int64_t OperandCheck::read(const char* field, int32_t buffer) {
  const int64_t result = width(field, buffer);
  const auto b = static_cast<size_t>(buffer);
  if (!written_[b]) wrong(field, "buffer %d; expected one that was written before", buffer);
  if (body_end_ >= 0 && !written_in_body_[b]) read_in_body_[b] = true;
  return result;
}

void OperandCheck::write(int32_t buffer) {
  const auto b = static_cast<size_t>(buffer);
  if (body_end_ >= 0) {
    if (read_in_body_[b]) {
      wrong("out", "buffer %d; expected one that the body does not read from before it", buffer);
    }
    written_in_body_[b] = true;
  }
  written_[b] = true;
}

void OperandCheck::write_like(int32_t out, int32_t other) {
  like("out", out, other);
  write(out);
}

void OperandCheck::like(const char* field, int32_t buffer, int32_t other) {
  width(field, buffer);
  rows(field, buffer, buffer_at(other).outputs);
  same_width(field, buffer, buffer_at(other).width);
}

void OperandCheck::same_width(const char* field, int32_t buffer, int64_t expected) {
  const int64_t found = width(field, buffer);
  if (found == expected) return;
  wrong(field, "buffer %d of width %lld; expected %lld", buffer, as_long(found), as_long(expected));
}

void OperandCheck::rows(const char* field, int32_t buffer, bool outputs) {
  range(field, buffer, 0, count(p_.buffers) - 1);
  if (buffer_at(buffer).outputs == outputs) return;
  wrong(field, "buffer %d, whose rows are the %s; expected the %s", buffer, outputs ? "tokens" : "outputs",
        outputs ? "outputs" : "tokens");
}

int64_t OperandCheck::heads(const char* field, int64_t width) {
  if (width % p_.head_dim != 0) {
    wrong(field, "width %lld; expected a multiple of head_dim (%d)", as_long(width), p_.head_dim);
  }
  return width / p_.head_dim;
}

void OperandCheck::key_width(const char* field, int32_t buffer) {
  read(field, buffer);
  rows(field, buffer, false);
  same_width(field, buffer, static_cast<int64_t>(p_.kv_heads) * p_.head_dim);
}

void OperandCheck::floats(const char* field, int32_t index) {
  if (is_quantized(tensor_at(index).dtype())) wrong(field, "quantised; expected floats");
}

void OperandCheck::weight(const char* field, int32_t index, int64_t outputs, int64_t inputs) {
  tensor(field, index, outputs, inputs);
  if (!is_quantized(tensor_at(index).dtype())) return;
  if (!tensor_at(index).packed()) wrong(field, "quantised and not packed; expected a packed weight");
  if (!tensor_at(index).ready()) wrong(field, "still being packed, or its packing failed");
}

void OperandCheck::tensor(const char* field, int32_t tensor, int64_t first, int64_t second) {
  range(field, tensor, 0, count(p_.tensors) - 1);
  const Shape& shape = p_.tensors[static_cast<size_t>(tensor)]->shape();
  if (shape.rank == 2 && shape.sizes[0] == first && shape.sizes[1] == second) return;
  wrong(field, "tensor %d of rank %d [%lld, %lld]; expected [%lld, %lld]", tensor, shape.rank,
        as_long(shape.sizes[0]), as_long(shape.sizes[1]), as_long(first), as_long(second));
}

void OperandCheck::number(const char* field, float value, float low) {
  if (isfinite(value) && value >= low) return;
  wrong(field, "%g; expected a finite number%s", static_cast<double>(value), low == 0 ? ", at least 0" : "");
}

void OperandCheck::range(const char* field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  wrong(field, "%lld; expected %lld to %lld", as_long(value), as_long(low), as_long(high));
}

void OperandCheck::wrong(const char* field, const char* format, ...) {
  char text[160];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  invalid("instruction %lld (%s): %s is %s", as_long(index_), op_name(instruction_->op), field, text);
}

}  // namespace kvasir
