#include "queries.h"

#include <vector>

#include "arguments.h"
#include "device.h"
#include "job.h"
#include "pages.h"
#include "program.h"
#include "status.h"

namespace kvasir_node {
namespace {

constexpr size_t kReadIntegers = 9;

struct AttentionJob : Job {
  using Job::Job;
  std::vector<int32_t> pages;
  std::vector<kvs_attention_read> reads;
};

// False, with an exception pending, where one is no window of queries, or closed.
bool ReadWindows(const Napi::Value& value, std::vector<kvs_queries*>* windows) {
  const Napi::Array handles = value.As<Napi::Array>();
  for (uint32_t i = 0; i < handles.Length(); ++i) {
    const auto queries = Unwrap<Queries>(handles.Get(i));
    if (queries == nullptr) return false;
    if (queries->get() == nullptr) {
      ThrowDisposed(value.Env(), "a query window");
      return false;
    }
    windows->push_back(queries->get());
  }
  return true;
}

// One read but for its queries.
kvs_attention_read ReadOne(const int32_t* whole, float threshold) {
  kvs_attention_read read = {};
  read.kv_layer = whole[0];
  read.kv_head = whole[1];
  read.slots = whole[2];
  read.position = whole[3];
  read.sinks = whole[4];
  read.measure = whole[5];
  read.window = whole[6];
  read.reduce = whole[7];
  read.future = whole[8];
  read.threshold = threshold;
  return read;
}

void ReadReads(Reader& reader, const Napi::Object& flat, const Napi::Value& outs, const Pages& pages,
               const std::vector<kvs_queries*>& windows, AttentionJob* job) {
  const size_t count = windows.size();
  const View<int32_t> ints = reader.Array<int32_t>(flat.Get("integers"));
  const View<float> thresholds = reader.Array<float>(flat.Get("thresholds"));
  std::vector<size_t> page_sizes;
  job->pages = reader.CopyAll<int32_t>(flat.Get("pages"), &page_sizes);
  reader.Expect(ints.size == count * kReadIntegers && thresholds.size == count && page_sizes.size() == count &&
                reader.Length(outs) == count);
  if (reader.failed()) return;
  const int32_t* table = job->pages.data();
  for (uint32_t i = 0; i < count; ++i) {
    const Napi::Value value = outs.As<Napi::Array>().Get(i);
    const View<float> out = reader.Array<float>(value);
    kvs_attention_read read = ReadOne(ints.data + i * kReadIntegers, thresholds.data[i]);
    reader.Expect(read.slots >= 0 && out.size == static_cast<size_t>(read.slots) &&
                  page_sizes[i] * static_cast<size_t>(pages.spec().page_tokens) >= out.size);
    if (reader.failed()) return;
    job->Keep(value);
    read.queries = windows[i];
    read.pages = table;
    read.out = out.data;
    job->reads.push_back(read);
    table += page_sizes[i];
  }
}

}  // namespace

void Queries::Close(Napi::Env env) {
  if (queries_ == nullptr) return;
  queries_ = nullptr;
  if (touched_) Napi::MemoryManagement::AdjustExternalMemory(env, -bytes_);
}

void Queries::Touch(Napi::Env env) {
  if (touched_) return;
  touched_ = true;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes_);
}

Napi::Value CreateQueries(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = Unwrap<Program>(info[0]);
  if (program == nullptr) return env.Undefined();
  Reader reader(env);
  const int32_t window = reader.Int(info[1]);
  if (reader.failed()) return reader.Throw();
  if (program->get() == nullptr) return ThrowDisposed(env, "the executable");
  kvs_queries* created = nullptr;
  uint64_t bytes = 0;
  const kvs_status status = kvs_queries_create(program->get(), window, &created, &bytes);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", WrapHandle(env, std::make_shared<Queries>(OwnedQueries(created), static_cast<int64_t>(bytes))));
  result.Set("bytes", Napi::Number::New(env, static_cast<double>(bytes)));
  return result;
}

Napi::Value ReadAttention(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto program = Unwrap<Program>(info[0]);
  if (program == nullptr) return env.Undefined();
  const auto pages = Unwrap<Pages>(info[1]);
  if (pages == nullptr) return env.Undefined();
  const std::shared_ptr<Device>& device = program->device();
  if (device->get() == nullptr) return ThrowDisposed(env, "the device");
  if (program->get() == nullptr) return ThrowDisposed(env, "the executable");
  if (pages->get() == nullptr) return ThrowDisposed(env, "the page memory");

  Reader reader(env);
  reader.Expect(pages->device() == device && info[2].IsObject());
  if (reader.failed()) return reader.Throw();
  const Napi::Object flat = info[2].As<Napi::Object>();
  const Napi::Value handles = flat.Get("queries");
  reader.Expect(handles.IsArray());
  if (reader.failed()) return reader.Throw();
  std::vector<kvs_queries*> windows;
  if (!ReadWindows(handles, &windows)) return env.Undefined();
  auto job = std::make_unique<AttentionJob>(device);
  ReadReads(reader, flat, info[3], *pages, windows, job.get());
  if (reader.failed()) return reader.Throw();
  const AttentionJob& read = *job;
  return device->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    return kvs_attention_read_run(program->get(), pages->get(), read.reads.data(),
                                  static_cast<int32_t>(read.reads.size()), callback, user);
  });
}

}  // namespace kvasir_node
