// Page memory and the operations on it.
#pragma once

#include <kvasir.h>
#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device.h"
#include "handle.h"
#include "owned.h"

namespace kvasir_node {

class Pages : public Handle {
 public:
  static constexpr Kind kKind = Kind::kPages;

  Pages(std::shared_ptr<Device> device, OwnedPages pages, const kvs_pages_spec& spec, uint64_t page_bytes);

  kvs_pages* get() const { return pages_.get(); }
  const std::shared_ptr<Device>& device() const { return device_; }
  const kvs_pages_spec& spec() const { return spec_; }
  int64_t page_bytes() const { return page_bytes_; }
  void Close(Napi::Env env) override;

  // Tells V8 of pages that accepted work may write for the first time. The whole reservation would be
  // wrong: the system gives memory only to pages once written, and V8 would collect as if it were full.
  void Touch(Napi::Env env, const std::vector<int32_t>& pages);

 private:
  const std::shared_ptr<Device> device_;
  OwnedPages pages_;
  const kvs_pages_spec spec_;
  const int64_t page_bytes_;
  std::vector<bool> touched_;
  int64_t reported_ = 0;
};

// Null, with an exception pending, where the pages or their device are gone.
std::shared_ptr<Pages> OpenPages(const Napi::Value& value);

// createPages(device, pages, pageTokens, headDim, dtype): { handle, pageBytes }
Napi::Value CreatePages(const Napi::CallbackInfo& info);
// copyPages(pages, from, to): promise
Napi::Value CopyPages(const Napi::CallbackInfo& info);
// compactPages(pages, sources, keeps, destinations, mergeSlots, mergeThresholds): promise
Napi::Value CompactPages(const Napi::CallbackInfo& info);
// readSlots(pages, data, tables, slots, out): promise
Napi::Value ReadSlots(const Napi::CallbackInfo& info);

}  // namespace kvasir_node
