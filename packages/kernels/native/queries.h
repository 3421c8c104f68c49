// Windows of queries, and what they say about slots.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "handle.h"
#include "owned.h"

namespace kvasir_node {

class Queries : public Handle {
 public:
  static constexpr Kind kKind = Kind::kQueries;

  Queries(OwnedQueries queries, int64_t bytes) : Handle(kKind), queries_(std::move(queries)), bytes_(bytes) {}

  // Null once closed.
  kvs_queries* get() const { return queries_.get(); }
  void Close(Napi::Env env) override;

  // Tells V8 of the memory as soon as accepted work may write to it.
  void Touch(Napi::Env env);

 private:
  OwnedQueries queries_;
  const int64_t bytes_;
  bool touched_ = false;
};

// createQueries(program, window): { handle, bytes }
Napi::Value CreateQueries(const Napi::CallbackInfo& info);
// readAttention(program, pages, reads, out): promise. `reads` is FlatReads of src/native/flatten-reads.ts; what the
// device computes is written into the arrays of `out`.
Napi::Value ReadAttention(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
