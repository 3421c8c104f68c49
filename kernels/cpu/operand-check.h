// Checks what one instruction after the other names, and remembers what has been written so far.
#ifndef KVASIR_OPERAND_CHECK_H
#define KVASIR_OPERAND_CHECK_H

#include <vector>

#include "program.h"

namespace kvasir {

class OperandCheck {
 protected:
  explicit OperandCheck(Program& program)
      : p_(program),
        written_(program.buffers.size(), false),
        read_in_body_(program.buffers.size(), false),
        written_in_body_(program.buffers.size(), false) {}

  template <class List>
  static int64_t count(const List& list) {
    return static_cast<int64_t>(list.size());
  }
  static long long as_long(int64_t value) { return static_cast<long long>(value); }
  const Buffer& buffer_at(int32_t index) const { return p_.buffers[static_cast<size_t>(index)]; }
  const Tensor& tensor_at(int32_t index) const { return *p_.tensors[static_cast<size_t>(index)]; }

  void close_body();
  // The width of a buffer, and of one that is read.
  int64_t width(const char* field, int32_t buffer);
  int64_t read(const char* field, int32_t buffer);
  void write(int32_t buffer);
  // Writes a buffer of the width and rows of another.
  void write_like(int32_t out, int32_t other);
  void like(const char* field, int32_t buffer, int32_t other);
  void same_width(const char* field, int32_t buffer, int64_t expected);
  void rows(const char* field, int32_t buffer, bool outputs);
  int64_t heads(const char* field, int64_t width);
  void key_width(const char* field, int32_t buffer);
  void floats(const char* field, int32_t index);
  // Of a product: floats, or packed and finished.
  void weight(const char* field, int32_t index, int64_t outputs, int64_t inputs);
  void tensor(const char* field, int32_t tensor, int64_t first, int64_t second);
  void number(const char* field, float value, float low);
  void range(const char* field, int64_t value, int64_t low, int64_t high);
  [[noreturn]] void wrong(const char* field, const char* format, ...) __attribute__((format(printf, 3, 4)));

  Program& p_;
  int64_t index_ = 0;
  const kvs_instruction* instruction_ = nullptr;
  std::vector<bool> written_, read_in_body_, written_in_body_;
  int64_t body_end_ = -1;  // past the iterate's body that is being read
};

}  // namespace kvasir

#endif
