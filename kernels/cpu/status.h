// How errors travel: thrown as Failure inside, turned into a kvs_status at the ABI and on the device thread.
#ifndef KVASIR_STATUS_H
#define KVASIR_STATUS_H

#include <exception>
#include <new>
#include <utility>

#include "field-name.h"
#include "kvasir.h"

namespace kvasir {

class Failure : public std::exception {
 public:
  explicit Failure(const kvs_status& status) : status_(status) {}
  const kvs_status& status() const { return status_; }
  const char* what() const noexcept override { return status_.message; }

 private:
  kvs_status status_;
};

kvs_status make_status(kvs_code code, const char* message);

// Throws Failure with a formatted message.
[[noreturn]] void fail(kvs_code code, const char* format, ...) __attribute__((format(printf, 2, 3)));
[[noreturn]] void invalid(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Throws unless low <= value <= high.
void check_range(const FieldName& field, int64_t value, int64_t low, int64_t high);
void check_pointer(const FieldName& field, const void* pointer);

// Throws (out of memory) where the product does not fit.
uint64_t checked_product(uint64_t a, uint64_t b);

// Calls f and tells how it ended.
template <class Function>
kvs_status guarded(Function&& f) noexcept {
  try {
    std::forward<Function>(f)();
    return make_status(KVS_OK, "");
  } catch (const Failure& failure) {
    return failure.status();
  } catch (const std::bad_alloc&) {
    return make_status(KVS_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return make_status(KVS_INTERNAL, error.what());
  } catch (...) {
    return make_status(KVS_INTERNAL, "unknown error");
  }
}

}  // namespace kvasir

#endif
