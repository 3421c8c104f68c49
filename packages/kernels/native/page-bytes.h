// Whole pages to and from arrays of bytes.
#pragma once

#include <napi.h>

namespace kvasir_node {

// readPages(pages, ids, out): promise
Napi::Value ReadPages(const Napi::CallbackInfo& info);
// writePages(pages, ids, bytes): promise
Napi::Value WritePages(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
