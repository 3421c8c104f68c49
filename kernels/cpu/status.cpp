#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace kvasir {

namespace {

[[noreturn]] void fail_with(kvs_code code, const char* format, va_list arguments) {
  kvs_status status;
  status.code = code;
  vsnprintf(status.message, sizeof status.message, format, arguments);
  throw Failure(status);
}

}  // namespace

kvs_status make_status(kvs_code code, const char* message) {
  kvs_status status;
  status.code = code;
  snprintf(status.message, sizeof status.message, "%s", message);
  return status;
}

void fail(kvs_code code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fail_with(code, format, arguments);
}

void invalid(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fail_with(KVS_INVALID_ARGUMENT, format, arguments);
}

void check_range(const FieldName& field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  invalid("%s is %lld; expected %lld to %lld", field.text().chars, static_cast<long long>(value),
          static_cast<long long>(low), static_cast<long long>(high));
}

void check_pointer(const FieldName& field, const void* pointer) {
  if (pointer == nullptr) invalid("%s is null", field.text().chars);
}

uint64_t checked_product(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product) || product > INT64_MAX) {
    fail(KVS_OUT_OF_MEMORY, "%llu times %llu bytes do not fit into memory", static_cast<unsigned long long>(a),
         static_cast<unsigned long long>(b));
  }
  return product;
}

}  // namespace kvasir
