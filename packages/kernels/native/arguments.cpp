#include "arguments.h"

#include "status.h"

namespace kvasir_node {

Napi::Value Reader::Throw() const {
  return ThrowInternal(env_, "the native binding was given arguments of the wrong type or length");
}

int32_t Reader::Int(const Napi::Value& value) {
  Expect(value.IsNumber());
  return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : 0;
}

double Reader::Double(const Napi::Value& value) {
  Expect(value.IsNumber());
  return value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
}

uint32_t Reader::Length(const Napi::Value& value) {
  Expect(value.IsArray());
  return value.IsArray() ? value.As<Napi::Array>().Length() : 0;
}

}  // namespace kvasir_node
