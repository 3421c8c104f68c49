// What the opaque handles of the ABI are: references, so that closing one never takes memory from a user.
#ifndef KVASIR_HANDLES_H
#define KVASIR_HANDLES_H

#include <memory>

#include "kvasir.h"

namespace kvasir {
class Device;
class MappedFile;
class PageMemory;
class Program;
class QueryWindow;
class Tensor;
}  // namespace kvasir

struct kvs_device {
  std::shared_ptr<kvasir::Device> shared;
};
struct kvs_file {
  std::shared_ptr<const kvasir::MappedFile> shared;
};
struct kvs_tensor {
  std::shared_ptr<const kvasir::Tensor> shared;
};
struct kvs_pages {
  std::shared_ptr<kvasir::PageMemory> shared;
};
struct kvs_program {
  std::shared_ptr<kvasir::Program> shared;
};
struct kvs_queries {
  std::shared_ptr<kvasir::QueryWindow> shared;
};

#endif
