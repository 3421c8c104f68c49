#include "pages.h"

#include <algorithm>
#include <utility>

#include "arguments.h"
#include "job.h"
#include "status.h"

namespace kvasir_node {
namespace {

struct CopyJob : Job {
  using Job::Job;
  std::vector<int32_t> from, to;
};

struct CompactJob : Job {
  using Job::Job;
  std::vector<int32_t> sources, keeps, destinations;
  std::vector<kvs_compaction> heads;
};

struct ReadJob : Job {
  using Job::Job;
  std::vector<int32_t> tables;
  std::vector<kvs_slot_read> reads;
};

}  // namespace

std::shared_ptr<Pages> OpenPages(const Napi::Value& value) {
  const auto pages = Unwrap<Pages>(value);
  if (pages == nullptr) return nullptr;
  if (pages->device()->get() == nullptr) {
    ThrowDisposed(value.Env(), "the device");
    return nullptr;
  }
  if (pages->get() == nullptr) {
    ThrowDisposed(value.Env(), "the page memory");
    return nullptr;
  }
  return pages;
}

Pages::Pages(std::shared_ptr<Device> device, OwnedPages pages, const kvs_pages_spec& spec, uint64_t page_bytes)
    : Handle(kKind),
      device_(std::move(device)),
      pages_(std::move(pages)),
      spec_(spec),
      page_bytes_(static_cast<int64_t>(page_bytes)),
      touched_(static_cast<size_t>(spec.pages), false) {}

void Pages::Close(Napi::Env env) {
  if (pages_ == nullptr) return;
  pages_ = nullptr;
  if (reported_ > 0) Napi::MemoryManagement::AdjustExternalMemory(env, -reported_);
}

void Pages::Touch(Napi::Env env, const std::vector<int32_t>& pages) {
  int64_t fresh = 0;
  for (const int32_t page : pages) {
    if (page < 0 || page >= spec_.pages || touched_[static_cast<size_t>(page)]) continue;
    touched_[static_cast<size_t>(page)] = true;
    ++fresh;
  }
  if (fresh == 0) return;
  reported_ += fresh * page_bytes_;
  Napi::MemoryManagement::AdjustExternalMemory(env, fresh * page_bytes_);
}

Napi::Value CreatePages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto device = Unwrap<Device>(info[0]);
  if (device == nullptr) return env.Undefined();
  Reader reader(env);
  const kvs_pages_spec spec = {reader.Int(info[1]), reader.Int(info[2]), reader.Int(info[3]),
                               static_cast<kvs_dtype>(reader.Int(info[4]))};
  if (reader.failed()) return reader.Throw();
  if (device->get() == nullptr) return ThrowDisposed(env, "the device");
  kvs_pages* created = nullptr;
  uint64_t page_bytes = 0;
  const kvs_status status = kvs_pages_create(device->get(), &spec, &created, &page_bytes);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", WrapHandle(env, std::make_shared<Pages>(device, OwnedPages(created), spec, page_bytes)));
  result.Set("pageBytes", Napi::Number::New(env, static_cast<double>(page_bytes)));
  return result;
}

Napi::Value CopyPages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pages = OpenPages(info[0]);
  if (pages == nullptr) return env.Undefined();
  Reader reader(env);
  auto job = std::make_unique<CopyJob>(pages->device());
  job->from = reader.Copy<int32_t>(info[1]);
  job->to = reader.Copy<int32_t>(info[2]);
  reader.Expect(job->from.size() == job->to.size());
  if (reader.failed()) return reader.Throw();
  const CopyJob& copy = *job;
  return pages->device()->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    const kvs_status status = kvs_pages_copy(pages->get(), copy.from.data(), copy.to.data(),
                                             static_cast<int32_t>(copy.from.size()), callback, user);
    if (status.code == KVS_OK) pages->Touch(env, copy.to);
    return status;
  });
}

Napi::Value CompactPages(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pages = OpenPages(info[0]);
  if (pages == nullptr) return env.Undefined();
  Reader reader(env);
  auto job = std::make_unique<CompactJob>(pages->device());
  std::vector<size_t> source_sizes, keep_sizes, destination_sizes;
  job->sources = reader.CopyAll<int32_t>(info[1], &source_sizes);
  job->keeps = reader.CopyAll<int32_t>(info[2], &keep_sizes);
  job->destinations = reader.CopyAll<int32_t>(info[3], &destination_sizes);
  const std::vector<int32_t> merge_slots = reader.Copy<int32_t>(info[4]);
  const std::vector<float> merge_thresholds = reader.Copy<float>(info[5]);
  const size_t count = source_sizes.size();
  reader.Expect(keep_sizes.size() == count && destination_sizes.size() == count && merge_slots.size() == count &&
                merge_thresholds.size() == count);
  if (reader.failed()) return reader.Throw();

  const size_t page_tokens = static_cast<size_t>(pages->spec().page_tokens);
  const int32_t* source = job->sources.data();
  const int32_t* keep = job->keeps.data();
  const int32_t* destination = job->destinations.data();
  for (size_t i = 0; i < count; ++i) {
    reader.Expect(destination_sizes[i] == (keep_sizes[i] + page_tokens - 1) / page_tokens);
    job->heads.push_back({source, static_cast<int32_t>(source_sizes[i]), keep,
                          static_cast<int32_t>(keep_sizes[i]), destination, merge_slots[i] >= 0,
                          std::max(merge_slots[i], 0), merge_thresholds[i]});
    source += source_sizes[i];
    keep += keep_sizes[i];
    destination += destination_sizes[i];
  }
  if (reader.failed()) return reader.Throw();
  const CompactJob& compact = *job;
  return pages->device()->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    const kvs_status status = kvs_pages_compact(pages->get(), compact.heads.data(),
                                                static_cast<int32_t>(compact.heads.size()), callback, user);
    if (status.code == KVS_OK) pages->Touch(env, compact.destinations);
    return status;
  });
}

Napi::Value ReadSlots(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto pages = OpenPages(info[0]);
  if (pages == nullptr) return env.Undefined();
  Reader reader(env);
  auto job = std::make_unique<ReadJob>(pages->device());
  const int32_t data = reader.Int(info[1]);
  std::vector<size_t> table_sizes;
  job->tables = reader.CopyAll<int32_t>(info[2], &table_sizes);
  const View<int32_t> slots = reader.Array<int32_t>(info[3]);
  const uint32_t count = reader.Length(info[4]);
  reader.Expect(table_sizes.size() == count && slots.size == count);
  if (reader.failed()) return reader.Throw();

  const kvs_pages_spec& spec = pages->spec();
  const bool vectors = data == KVS_KEYS || data == KVS_VALUES;
  const int64_t width = vectors ? spec.head_dim : 1;
  const int32_t* table = job->tables.data();
  for (uint32_t i = 0; i < count; ++i) {
    const Napi::Value value = info[4].As<Napi::Array>().Get(i);
    const View<float> out = reader.Array<float>(value);
    if (reader.failed()) return reader.Throw();
    const int64_t used = slots.data[i];
    reader.Expect(used >= 0 && used <= static_cast<int64_t>(table_sizes[i]) * spec.page_tokens &&
                  static_cast<int64_t>(out.size) == used * width);
    job->Keep(value);
    job->reads.push_back({table, slots.data[i], out.data});
    table += table_sizes[i];
  }
  if (reader.failed()) return reader.Throw();
  const ReadJob& read = *job;
  return pages->device()->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    return kvs_pages_read(pages->get(), static_cast<kvs_slot_data>(data), read.reads.data(),
                          static_cast<int32_t>(read.reads.size()), callback, user);
  });
}

}  // namespace kvasir_node
