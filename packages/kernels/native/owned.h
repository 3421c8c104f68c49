// Handles of the C ABI that close themselves.
#pragma once

#include <kvasir.h>

#include <memory>

namespace kvasir_node {

template <class Handle, void (*close)(Handle*)>
struct Closer {
  void operator()(Handle* handle) const { close(handle); }
};

using OwnedDevice = std::unique_ptr<kvs_device, Closer<kvs_device, kvs_device_close>>;
using OwnedFile = std::unique_ptr<kvs_file, Closer<kvs_file, kvs_file_close>>;
using OwnedTensor = std::unique_ptr<kvs_tensor, Closer<kvs_tensor, kvs_tensor_close>>;
using OwnedPages = std::unique_ptr<kvs_pages, Closer<kvs_pages, kvs_pages_close>>;
using OwnedProgram = std::unique_ptr<kvs_program, Closer<kvs_program, kvs_program_close>>;
using OwnedQueries = std::unique_ptr<kvs_queries, Closer<kvs_queries, kvs_queries_close>>;

}  // namespace kvasir_node
