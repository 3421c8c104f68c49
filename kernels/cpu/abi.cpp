// The C ABI. Nothing is thrown past it.
#include "attention-read.h"
#include "device.h"
#include "handles.h"
#include "levels.h"
#include "pack-job.h"
#include "page-jobs.h"
#include "probe-job.h"
#include "program.h"
#include "query-window.h"
#include "step-job.h"
#include "tensor.h"

using namespace kvasir;

namespace {

void submit(const std::shared_ptr<Device>& device, std::unique_ptr<Job> job, kvs_callback callback, void* user) {
  device->submit(job.release(), callback, user);
}

template <class Handle, class... Values>
void open_handle(const char* field, Handle** handle, Values&&... values) {
  check_pointer(field, handle);
  *handle = new Handle{std::forward<Values>(values)...};
}

}  // namespace

extern "C" {

int32_t kvs_abi_version(void) { return KVS_ABI_VERSION; }

const char* kvs_levels(void) { return level_names(); }

kvs_status kvs_device_open(const char* level, int32_t threads, kvs_device** device) {
  return guarded([&] {
    check_range("threads", threads, 1, 256);
    open_handle("device", device, std::make_shared<Device>(find_level(level), threads));
  });
}

const char* kvs_device_level(const kvs_device* device) {
  return device == nullptr ? "" : device->shared->kernels().name;
}

void kvs_device_close(kvs_device* device) {
  if (device == nullptr) return;
  device->shared->stop();
  delete device;
}

kvs_status kvs_probe(kvs_device* device, kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second,
                     kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("device", device);
    submit(device->shared, make_probe_job(kind, bytes, seconds, per_second), callback, user);
  });
}

kvs_status kvs_file_map(const char* path, kvs_file** file, uint64_t* size) {
  return guarded([&] {
    check_pointer("path", path);
    const auto mapped = std::make_shared<const MappedFile>(path);
    if (size != nullptr) *size = mapped->size();
    open_handle("file", file, mapped);
  });
}

void kvs_file_close(kvs_file* file) { delete file; }

kvs_status kvs_tensor_view(kvs_file* file, kvs_dtype dtype, int32_t rank, const int64_t* shape, uint64_t offset,
                           kvs_tensor** tensor) {
  return guarded([&] {
    check_pointer("file", file);
    check_weight_dtype("dtype", dtype);
    open_handle("tensor", tensor, std::make_shared<const Tensor>(file->shared, dtype, Shape(rank, shape), offset));
  });
}

kvs_status kvs_tensor_copy(kvs_dtype dtype, int32_t rank, const int64_t* shape, const void* data, uint64_t bytes,
                           kvs_tensor** tensor) {
  return guarded([&] {
    check_weight_dtype("dtype", dtype);
    check_pointer("data", data);
    open_handle("tensor", tensor, std::make_shared<const Tensor>(dtype, Shape(rank, shape), data, bytes));
  });
}

kvs_status kvs_tensor_pack(kvs_device* device, kvs_tensor* weight, kvs_dtype dtype, kvs_tensor** packed,
                           kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("device", device);
    check_pointer("weight", weight);
    const std::shared_ptr<Tensor> result = packed_weight(*weight->shared, dtype);
    std::unique_ptr<Job> job = make_pack_job(weight->shared, result);
    open_handle("packed", packed, result);
    try {
      submit(device->shared, std::move(job), callback, user);
    } catch (...) {
      delete *packed;
      *packed = nullptr;
      throw;
    }
  });
}

uint64_t kvs_tensor_bytes(const kvs_tensor* tensor) { return tensor == nullptr ? 0 : tensor->shared->bytes(); }

void kvs_tensor_close(kvs_tensor* tensor) { delete tensor; }

kvs_status kvs_pages_create(kvs_device* device, const kvs_pages_spec* spec, kvs_pages** pages, uint64_t* page_bytes) {
  return guarded([&] {
    check_pointer("device", device);
    check_pointer("spec", spec);
    const auto memory = std::make_shared<PageMemory>(device->shared, *spec);
    if (page_bytes != nullptr) *page_bytes = memory->page_bytes();
    open_handle("pages", pages, memory);
  });
}

void kvs_pages_close(kvs_pages* pages) { delete pages; }

kvs_status kvs_pages_copy(kvs_pages* pages, const int32_t* from, const int32_t* to, int32_t count,
                          kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("pages", pages);
    submit(pages->shared->device(), make_page_copy(pages->shared, from, to, count), callback, user);
  });
}

kvs_status kvs_pages_read_bytes(kvs_pages* pages, const int32_t* ids, int32_t count, uint8_t* out,
                                kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("pages", pages);
    submit(pages->shared->device(), make_page_read(pages->shared, ids, count, out), callback, user);
  });
}

kvs_status kvs_pages_write_bytes(kvs_pages* pages, const int32_t* ids, int32_t count, const uint8_t* bytes,
                                 kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("pages", pages);
    submit(pages->shared->device(), make_page_write(pages->shared, ids, count, bytes), callback, user);
  });
}

kvs_status kvs_pages_compact(kvs_pages* pages, const kvs_compaction* heads, int32_t count, kvs_callback callback,
                             void* user) {
  return guarded([&] {
    check_pointer("pages", pages);
    submit(pages->shared->device(), make_compaction(pages->shared, heads, count), callback, user);
  });
}

kvs_status kvs_pages_read(kvs_pages* pages, kvs_slot_data data, const kvs_slot_read* tables, int32_t count,
                          kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("pages", pages);
    submit(pages->shared->device(), make_slot_read(pages->shared, data, tables, count), callback, user);
  });
}

kvs_status kvs_program_create(kvs_device* device, const kvs_program_spec* spec, kvs_program** program) {
  return guarded([&] {
    check_pointer("device", device);
    check_pointer("spec", spec);
    open_handle("program", program, std::make_shared<Program>(device->shared, *spec));
  });
}

void kvs_program_close(kvs_program* program) { delete program; }

kvs_status kvs_queries_create(kvs_program* program, int32_t window, kvs_queries** queries, uint64_t* bytes) {
  return guarded([&] {
    check_pointer("program", program);
    const auto made = std::make_shared<QueryWindow>(program->shared, window);
    if (bytes != nullptr) *bytes = made->bytes();
    open_handle("queries", queries, made);
  });
}

void kvs_queries_close(kvs_queries* queries) { delete queries; }

kvs_status kvs_attention_read_run(kvs_program* program, kvs_pages* pages, const kvs_attention_read* reads,
                                  int32_t count, kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("program", program);
    check_pointer("pages", pages);
    submit(program->shared->device(), make_attention_read(program->shared, pages->shared, reads, count), callback,
           user);
  });
}

kvs_status kvs_run(kvs_program* program, kvs_pages* pages, const kvs_step* step, const kvs_step_result* result,
                   kvs_callback callback, void* user) {
  return guarded([&] {
    check_pointer("program", program);
    check_pointer("pages", pages);
    check_pointer("step", step);
    check_pointer("result", result);
    std::unique_ptr<StepJob> job = program->shared->take_step();
    job->prepare(program->shared, pages->shared, *step, *result);
    submit(program->shared->device(), std::move(job), callback, user);
  });
}

}  // extern "C"
