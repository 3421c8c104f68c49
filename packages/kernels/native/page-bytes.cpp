#include "page-bytes.h"

#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "job.h"
#include "pages.h"

namespace kvasir_node {
namespace {

struct BytesJob : Job {
  using Job::Job;
  std::vector<int32_t> ids;
  View<uint8_t> bytes;
};

// The job of some pages and the bytes for or of them, which the caller leaves alone meanwhile. Null, with an exception
// pending, where the arguments are wrong.
std::unique_ptr<BytesJob> ReadBytesJob(const Napi::CallbackInfo& info, const Pages& pages) {
  Reader reader(info.Env());
  auto job = std::make_unique<BytesJob>(pages.device());
  job->ids = reader.Copy<int32_t>(info[1]);
  job->bytes = reader.Array<uint8_t>(info[2]);
  reader.Expect(job->bytes.size == job->ids.size() * static_cast<size_t>(pages.page_bytes()));
  if (reader.failed()) {
    reader.Throw();
    return nullptr;
  }
  job->Keep(info[2]);
  return job;
}

}  // namespace

Napi::Value ReadPages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pages = OpenPages(info[0]);
  if (pages == nullptr) return env.Undefined();
  std::unique_ptr<BytesJob> job = ReadBytesJob(info, *pages);
  if (job == nullptr) return env.Undefined();
  const BytesJob& read = *job;
  return pages->device()->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    return kvs_pages_read_bytes(pages->get(), read.ids.data(), static_cast<int32_t>(read.ids.size()),
                                read.bytes.data, callback, user);
  });
}

Napi::Value WritePages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pages = OpenPages(info[0]);
  if (pages == nullptr) return env.Undefined();
  std::unique_ptr<BytesJob> job = ReadBytesJob(info, *pages);
  if (job == nullptr) return env.Undefined();
  const BytesJob& write = *job;
  return pages->device()->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    const kvs_status status =
        kvs_pages_write_bytes(pages->get(), write.ids.data(), static_cast<int32_t>(write.ids.size()),
                              write.bytes.data, callback, user);
    if (status.code == KVS_OK) pages->Touch(env, write.ids);
    return status;
  });
}

}  // namespace kvasir_node
