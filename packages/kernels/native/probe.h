// Binds kvs_probe.
#pragma once

#include <napi.h>

namespace kvasir_node {

// probe(device, kind, bytes, seconds): promise of a rate
Napi::Value Probe(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
