// Reads arguments and copies typed arrays. The TypeScript layer has checked values and named them in
// its messages; what is checked here is only what memory safety hangs on.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kvasir_node {

template <class T>
struct ArrayType;
template <>
struct ArrayType<int32_t> {
  static constexpr napi_typedarray_type kType = napi_int32_array;
};
template <>
struct ArrayType<uint32_t> {
  static constexpr napi_typedarray_type kType = napi_uint32_array;
};
template <>
struct ArrayType<uint8_t> {
  static constexpr napi_typedarray_type kType = napi_uint8_array;
};
template <>
struct ArrayType<float> {
  static constexpr napi_typedarray_type kType = napi_float32_array;
};
template <>
struct ArrayType<double> {
  static constexpr napi_typedarray_type kType = napi_float64_array;
};
template <>
struct ArrayType<int64_t> {
  static constexpr napi_typedarray_type kType = napi_bigint64_array;
};
template <>
struct ArrayType<uint64_t> {
  static constexpr napi_typedarray_type kType = napi_biguint64_array;
};

// A look at a typed array; the memory is JavaScript's.
template <class T>
struct View {
  T* data = nullptr;
  size_t size = 0;
};

// Collects failures, so that a function reads all of its arguments and asks once.
class Reader {
 public:
  explicit Reader(Napi::Env env) : env_(env) {}

  bool failed() const { return failed_; }
  // Leaves the exception pending.
  Napi::Value Throw() const;
  void Expect(bool condition) { failed_ = failed_ || !condition; }

  int32_t Int(const Napi::Value& value);
  double Double(const Napi::Value& value);

  template <class T>
  View<T> Array(const Napi::Value& value) {
    View<T> view;
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != ArrayType<T>::kType) {
      failed_ = true;
      return view;
    }
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, value, nullptr, &view.size, &data, nullptr, nullptr) != napi_ok) {
      failed_ = true;
      return View<T>();
    }
    view.data = static_cast<T*>(data);
    return view;
  }

  template <class T>
  std::vector<T> Copy(const Napi::Value& value) {
    const View<T> view = Array<T>(value);
    return view.size == 0 ? std::vector<T>() : std::vector<T>(view.data, view.data + view.size);
  }

  // An array of typed arrays, copied one after another; `sizes` receives their lengths.
  template <class T>
  std::vector<T> CopyAll(const Napi::Value& value, std::vector<size_t>* sizes) {
    std::vector<View<T>> views;
    size_t total = 0;
    for (uint32_t i = 0; i < Length(value); ++i) {
      views.push_back(Array<T>(value.As<Napi::Array>().Get(i)));
      sizes->push_back(views.back().size);
      total += views.back().size;
    }
    std::vector<T> all;
    all.reserve(total);
    for (const View<T>& view : views) {
      if (view.size > 0) all.insert(all.end(), view.data, view.data + view.size);
    }
    return all;
  }

  // 0, and failed, where `value` is no array.
  uint32_t Length(const Napi::Value& value);

 private:
  const Napi::Env env_;
  bool failed_ = false;
};

}  // namespace kvasir_node
