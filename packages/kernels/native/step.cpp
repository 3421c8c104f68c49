#include "step.h"

#include <kvasir.h>

#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "device.h"
#include "job.h"
#include "pages.h"
#include "program.h"
#include "queries.h"
#include "status.h"

namespace kvasir_node {
namespace {

constexpr size_t kSequenceIntegers = 3;
constexpr size_t kCollectionIntegers = 4;
constexpr size_t kSamplingIntegers = 4;
constexpr size_t kSamplingNumbers = 6;
constexpr size_t kSamplingWords = 2;

struct StepJob : Job {
  using Job::Job;
  std::vector<int32_t> tokens, outputs, resident, pages, history, bias_ids;
  std::vector<float> bias_values;
  std::vector<kvs_sequence> sequences;
  std::vector<std::shared_ptr<Queries>> queries;  // of all sequences that have one
  std::vector<kvs_collection> collections;        // of each sequence that collects
  std::vector<kvs_sampling> sampling;
  kvs_step step = {};
  kvs_step_result result = {};
};

void ReadSequences(Reader& reader, const Napi::Object& flat, const Program& program, StepJob* job) {
  const View<int32_t> ints = reader.Array<int32_t>(flat.Get("sequences"));
  std::vector<size_t> resident_sizes, page_sizes;
  job->resident = reader.CopyAll<int32_t>(flat.Get("resident"), &resident_sizes);
  job->pages = reader.CopyAll<int32_t>(flat.Get("pages"), &page_sizes);
  const size_t count = resident_sizes.size();
  reader.Expect(page_sizes.size() == count && ints.size == count * kSequenceIntegers);
  if (reader.failed()) return;
  const int32_t* resident = job->resident.data();
  const int32_t* pages = job->pages.data();
  for (size_t i = 0; i < count; ++i) {
    reader.Expect(resident_sizes[i] == static_cast<size_t>(program.tables));
    const int32_t* at = ints.data + i * kSequenceIntegers;
    kvs_sequence sequence = {};
    sequence.rows = at[0];
    sequence.position = at[1];
    sequence.sinks = at[2];
    sequence.resident = resident;
    sequence.pages = pages;
    sequence.page_count = static_cast<int32_t>(page_sizes[i]);
    job->sequences.push_back(sequence);
    resident += resident_sizes[i];
    pages += page_sizes[i];
  }
}

// False, with an exception pending, where one is no window of queries, or closed.
bool ReadQueries(Reader& reader, const Napi::Value& value, StepJob* job) {
  reader.Expect(reader.Length(value) == job->sequences.size());
  for (size_t i = 0; i < job->sequences.size() && !reader.failed(); ++i) {
    const Napi::Value handle = value.As<Napi::Array>().Get(static_cast<uint32_t>(i));
    if (handle.IsUndefined()) continue;
    const auto queries = Unwrap<Queries>(handle);
    if (queries == nullptr) return false;
    if (queries->get() == nullptr) {
      ThrowDisposed(value.Env(), "a query window of the step");
      return false;
    }
    job->sequences[i].queries = queries->get();
    job->queries.push_back(queries);
  }
  return true;
}

void ReadCollections(Reader& reader, const Napi::Object& flat, StepJob* job) {
  const View<int32_t> ints = reader.Array<int32_t>(flat.Get("collections"));
  const View<float> temperatures = reader.Array<float>(flat.Get("temperatures"));
  const size_t count = job->sequences.size();
  reader.Expect(ints.size == count * kCollectionIntegers && temperatures.size == count);
  if (reader.failed()) return;
  job->collections.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const int32_t* at = ints.data + i * kCollectionIntegers;
    if (at[0] == 0) continue;
    job->collections.push_back({at[1], temperatures.data[i], at[2], static_cast<uint32_t>(at[3])});
    job->sequences[i].collect = &job->collections.back();
  }
}

void ReadSampling(Reader& reader, const Napi::Object& flat, const Program& program, StepJob* job) {
  const View<int32_t> ints = reader.Array<int32_t>(flat.Get("samplingIntegers"));
  const View<float> floats = reader.Array<float>(flat.Get("samplingNumbers"));
  const View<uint64_t> bits = reader.Array<uint64_t>(flat.Get("samplingWords"));
  std::vector<size_t> history_sizes, id_sizes, value_sizes;
  job->history = reader.CopyAll<int32_t>(flat.Get("histories"), &history_sizes);
  job->bias_ids = reader.CopyAll<int32_t>(flat.Get("biasIds"), &id_sizes);
  job->bias_values = reader.CopyAll<float>(flat.Get("biasValues"), &value_sizes);
  const Napi::Value masks = flat.Get("allowed");
  const View<uint32_t> allowed = reader.Array<uint32_t>(masks);
  const size_t words = (static_cast<size_t>(program.vocab_size) + 31) / 32;
  const size_t count = history_sizes.size();
  reader.Expect(count == job->outputs.size() && id_sizes == value_sizes && id_sizes.size() == count &&
                ints.size == count * kSamplingIntegers && floats.size == count * kSamplingNumbers &&
                bits.size == count * kSamplingWords);
  if (reader.failed()) return;
  const int32_t* history = job->history.data();
  const int32_t* ids = job->bias_ids.data();
  const float* values = job->bias_values.data();
  size_t masked = 0;
  for (size_t i = 0; i < count; ++i) {
    const int32_t* whole = ints.data + i * kSamplingIntegers;
    const float* real = floats.data + i * kSamplingNumbers;
    kvs_sampling one = {};
    one.top_k = whole[0];
    one.prompt_length = whole[1];
    one.top_logprobs = whole[2];
    one.temperature = real[0];
    one.top_p = real[1];
    one.min_p = real[2];
    one.repetition_penalty = real[3];
    one.presence_penalty = real[4];
    one.frequency_penalty = real[5];
    one.seed = bits.data[i * kSamplingWords];
    one.draw = bits.data[i * kSamplingWords + 1];
    one.history = history;
    one.history_count = static_cast<int32_t>(history_sizes[i]);
    one.bias_ids = ids;
    one.bias_values = values;
    one.bias_count = static_cast<int32_t>(id_sizes[i]);
    if (whole[3] != 0) {
      reader.Expect(masked + words <= allowed.size);
      if (reader.failed()) return;
      one.allowed = allowed.data + masked;
      masked += words;
    }
    job->sampling.push_back(one);
    history += history_sizes[i];
    ids += id_sizes[i];
    values += id_sizes[i];
  }
  if (masked > 0) job->Keep(masks);
}

// Null where the array is absent: that part of the result is not wanted.
template <class T>
T* Result(Reader& reader, const Napi::Value& value, size_t size, StepJob* job) {
  if (value.IsUndefined()) return nullptr;
  const View<T> view = reader.Array<T>(value);
  reader.Expect(view.size == size);
  if (reader.failed() || size == 0) return nullptr;
  job->Keep(value);
  return view.data;
}

void ReadResult(Reader& reader, const Napi::Object& flat, const Program& program, StepJob* job) {
  const size_t outputs = job->outputs.size();
  const int32_t stride = reader.Int(flat.Get("topStride"));
  reader.Expect(stride >= 0);
  if (reader.failed()) return;
  for (const kvs_sampling& sampling : job->sampling) reader.Expect(sampling.top_logprobs <= stride);
  const size_t tops = outputs * static_cast<size_t>(stride);
  job->result.tokens = Result<int32_t>(reader, flat.Get("tokens"), outputs, job);
  job->result.logprobs = Result<float>(reader, flat.Get("logprobs"), outputs, job);
  job->result.top_ids = Result<int32_t>(reader, flat.Get("topIds"), tops, job);
  job->result.top_logprobs = Result<float>(reader, flat.Get("topLogprobs"), tops, job);
  job->result.top_stride = stride;
  job->result.logits =
      Result<float>(reader, flat.Get("logits"), outputs * static_cast<size_t>(program.logits_width), job);
}

}  // namespace

Napi::Value Run(const Napi::CallbackInfo& info) {
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
  reader.Expect(pages->device() == device && info[2].IsObject() && info[3].IsObject());
  if (reader.failed()) return reader.Throw();
  const Napi::Object flat = info[2].As<Napi::Object>();
  auto job = std::make_unique<StepJob>(device);
  job->tokens = reader.Copy<int32_t>(flat.Get("tokens"));
  job->outputs = reader.Copy<int32_t>(flat.Get("outputs"));
  ReadSequences(reader, flat, *program, job.get());
  if (reader.failed()) return reader.Throw();
  if (!ReadQueries(reader, flat.Get("queries"), job.get())) return env.Undefined();
  ReadCollections(reader, flat, job.get());
  const bool sampled = flat.Get("sampled").ToBoolean();
  if (sampled) ReadSampling(reader, flat, *program, job.get());
  if (reader.failed()) return reader.Throw();
  ReadResult(reader, info[3].As<Napi::Object>(), *program, job.get());
  if (reader.failed()) return reader.Throw();

  job->step.tokens = job->tokens.data();
  job->step.rows = static_cast<int32_t>(job->tokens.size());
  job->step.sequences = job->sequences.data();
  job->step.sequence_count = static_cast<int32_t>(job->sequences.size());
  job->step.outputs = job->outputs.data();
  job->step.output_count = static_cast<int32_t>(job->outputs.size());
  job->step.sampling = sampled ? job->sampling.data() : nullptr;
  const StepJob& step = *job;
  return device->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    const kvs_status status =
        kvs_run(program->get(), pages->get(), &step.step, &step.result, callback, user);
    if (status.code != KVS_OK) return status;
    pages->Touch(env, step.pages);
    for (const std::shared_ptr<Queries>& queries : step.queries) queries->Touch(env);
    return status;
  });
}

}  // namespace kvasir_node
