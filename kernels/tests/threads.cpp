// What several threads and devices do at once, through the C ABI alone: made to run under the thread sanitizer
// (kernels/sanitize --threads). Ends with 1 where a result depends on the number of threads, or on whether keys are
// turned as they are written.
#include <math.h>
#include <string.h>

#include <algorithm>

#include "harness.h"
#include "merge-threads.h"
#include "signal-threads.h"

namespace {

using namespace kvasir_tests;

constexpr int kVocab = 96, kHeads = 6, kKvHeads = 2, kHeadDim = 20, kWidth = 40, kKvLayers = 2, kPageTokens = 16;

// Two attention layers, the first one's keys and values iterated by the second; every op comes up.
// Keys are turned as they are written (`fused`) or before.
ProgramHandle compile(kvs_device* device, bool fused) {
  Random random(7);
  std::vector<TensorHandle> owned;
  std::vector<kvs_tensor*> tensors;
  const auto tensor = [&](int64_t rows, int64_t columns) {
    const std::vector<float> data = random.floats(rows * columns, columns == 1 ? 1.0f : 0.3f);
    const int64_t shape[] = {rows, columns};
    kvs_tensor* handle = nullptr;
    check(kvs_tensor_copy(KVS_F32, columns == 1 ? 1 : 2, shape, data.data(), data.size() * sizeof(float), &handle));
    owned.emplace_back(handle);
    tensors.push_back(handle);
    return static_cast<int32_t>(tensors.size()) - 1;
  };
  const int32_t heads = kHeads * kHeadDim, kv_heads = kKvHeads * kHeadDim;
  enum { kX, kNorm, kQ, kK, kV, kOut, kSum, kGate, kUp, kGathered, kLogits };
  const kvs_buffer buffers[] = {{kWidth, 0}, {kWidth, 0}, {heads, 0},  {kv_heads, 0}, {kv_heads, 0}, {heads, 0},
                                {kWidth, 0}, {80, 0},     {80, 0},     {kWidth, 1},   {kVocab, 1}};
  const int32_t table = tensor(kVocab, kWidth), norm = tensor(kWidth, 1), q = tensor(heads, kWidth);
  const int32_t k = tensor(kv_heads, kWidth), v = tensor(kv_heads, kWidth), o = tensor(kWidth, heads);
  const int32_t gate = tensor(80, kWidth), up = tensor(80, kWidth), down = tensor(kWidth, 80);
  const float scale = 0.2f;
  const kvs_instruction turn = {KVS_ROPE, kK, kK, -1, -1, 0, -1, -1, -1, 0};
  const int32_t rope_of_write = fused ? 0 : -1;
  std::vector<kvs_instruction> code = {
      {KVS_EMBED, kX, -1, -1, table, -1, -1, -1, -1, 0},
      {KVS_RMS_NORM, kNorm, kX, -1, norm, -1, -1, -1, -1, 1e-5f},
      {KVS_LINEAR, kQ, kNorm, -1, q, -1, -1, -1, -1, 0},
      {KVS_ROPE, kQ, kQ, -1, -1, 0, -1, -1, -1, 0},
      {KVS_ITERATE, -1, -1, -1, -1, fused ? 7 : 8, 2, 0, 1, 1e-3f},
      {KVS_ATTEND, kOut, kQ, -1, -1, 0, 1, 0, 0, scale},
      {KVS_LINEAR, kSum, kOut, kX, o, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kK, kSum, -1, k, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kV, kSum, -1, v, -1, -1, -1, -1, 0},
      {KVS_WRITE_KV, -1, kK, kV, -1, 0, rope_of_write, -1, -1, 0},
      {KVS_ADD, kSum, kSum, kX, -1, -1, -1, -1, -1, 0},
      {KVS_RMS_NORM, kSum, kSum, -1, norm, -1, -1, -1, -1, 1e-5f},
      {KVS_LINEAR, kK, kSum, -1, k, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kV, kSum, -1, v, -1, -1, -1, -1, 0},
      {KVS_WRITE_KV, -1, kK, kV, -1, 1, rope_of_write, -1, -1, 0},
      {KVS_ATTEND, kOut, kQ, -1, -1, 1, 0, 700, 0, scale},
      {KVS_LINEAR, kSum, kOut, kX, o, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kGate, kSum, -1, gate, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kUp, kSum, -1, up, -1, -1, -1, -1, 0},
      {KVS_SWIGLU, kGate, kGate, kUp, -1, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kSum, kGate, kX, down, -1, -1, -1, -1, 0},
      {KVS_GATHER_OUTPUTS, kGathered, kSum, -1, -1, -1, -1, -1, -1, 0},
      {KVS_LINEAR, kLogits, kGathered, -1, table, -1, -1, -1, -1, 0},
  };
  for (size_t i = 0; !fused && i < code.size(); ++i) {
    if (code[i].op == KVS_WRITE_KV) code.insert(code.begin() + static_cast<ptrdiff_t>(i++), turn);
  }
  const std::vector<double> frequencies = {1, 0.3, 0.1, 0.03, 0.01};
  const kvs_rope rope = {frequencies.data(), 5, 0, 1, 0, 1, 1};
  const int32_t lists[] = {0};
  kvs_program_spec spec = {};
  spec.kv_layers = kKvLayers;
  spec.kv_heads = kKvHeads;
  spec.head_dim = kHeadDim;
  spec.vocab_size = kVocab;
  spec.logits = kLogits;
  spec.buffers = buffers;
  spec.buffer_count = sizeof buffers / sizeof *buffers;
  spec.tensors = tensors.data();
  spec.tensor_count = static_cast<int32_t>(tensors.size());
  spec.ropes = &rope;
  spec.rope_count = 1;
  spec.instructions = code.data();
  spec.instruction_count = static_cast<int32_t>(code.size());
  spec.kv_layer_lists = lists;
  spec.kv_layer_list_count = 1;
  kvs_program* program = nullptr;
  check(kvs_program_create(device, &spec, &program));
  return ProgramHandle(program);
}

// A sequence whose tables have pages of their own, from `first` on.
struct Sequence {
  int32_t first, most, position = 0, sinks = 0;
  std::vector<int32_t> resident, pages;

  Sequence(int32_t first_page, int32_t most_pages)
      : first(first_page), most(most_pages), resident(kKvLayers * kKvHeads, 0) {}

  kvs_sequence next(int32_t rows) {
    pages.clear();
    for (int32_t t = 0; t < kKvLayers * kKvHeads; ++t) {
      const int32_t used = (resident[static_cast<size_t>(t)] + rows + kPageTokens - 1) / kPageTokens;
      for (int32_t i = 0; i < used; ++i) pages.push_back(page(t, i));
    }
    return {rows, position, sinks, resident.data(), pages.data(), static_cast<int32_t>(pages.size()), nullptr,
            nullptr};
  }
  void advance(int32_t rows) {
    position += rows;
    for (int32_t& used : resident) used += rows;
  }
  int32_t page(int32_t table, int32_t i) const { return first + table * most + i; }
};

struct Result {
  std::vector<int32_t> tokens;
  std::vector<float> logits;
};

kvs_sampling sampling(uint64_t draw, const std::vector<int32_t>& history) {
  kvs_sampling s = {};
  s.temperature = draw % 3 == 0 ? 0.0f : 0.8f;
  s.top_k = 40;
  s.top_p = 0.95f;
  s.repetition_penalty = 1.1f;
  s.seed = 11;
  s.draw = draw;
  s.history = history.data();
  s.history_count = static_cast<int32_t>(history.size());
  s.prompt_length = s.history_count;
  s.top_logprobs = -1;
  return s;
}

// One device with its program and pages: a long and a short sequence, in chunks and token by token, evicted now
// and then. Steps are submitted by the caller's thread and run on the device's own.
class Engine {
 public:
  Engine(const std::string& level, int32_t threads, kvs_dtype dtype)
      : device_(open_device(level, threads)), program_(compile(device_.get(), threads > 1)) {
    const kvs_pages_spec spec = {2 * kTables * kMost, kPageTokens, kHeadDim, dtype};
    kvs_pages* pages = nullptr;
    check(kvs_pages_create(device_.get(), &spec, &pages, &page_bytes_));
    pages_.reset(pages);
  }

  // Begins a step that gives `long_rows` and `short_rows` more rows to the two sequences.
  void begin(int32_t long_rows, int32_t short_rows) {
    tokens_ = random_.tokens(long_rows + short_rows, kVocab);
    const kvs_sequence sequences[] = {long_.next(long_rows), short_.next(short_rows)};
    const int32_t outputs[] = {long_rows - 1, long_rows + short_rows - 1};
    const kvs_sampling samplings[] = {sampling(draw_, tokens_), sampling(draw_ + 1, tokens_)};
    draw_ += 2;
    const kvs_step step = {tokens_.data(), long_rows + short_rows, sequences, 2, outputs, 2, samplings};
    result_.tokens.assign(2, -1);
    result_.logits.assign(2 * kVocab, NAN);
    kvs_step_result result = {};
    result.tokens = result_.tokens.data();
    result.logits = result_.logits.data();
    pending_.reset(new Pending);
    check(kvs_run(program_.get(), pages_.get(), &step, &result, Pending::done, pending_.get()));
    long_.advance(long_rows);
    short_.advance(short_rows);
  }

  const Result& wait() {
    pending_->wait();
    return result_;
  }

  // Every head of the long sequence loses every third slot behind the sinks; ahead of it a copy, and its pages out of
  // the memory and back, after it a read.
  void evict() {
    std::vector<std::vector<int32_t>> sources(kTables), keeps(kTables);
    std::vector<kvs_compaction> heads;
    for (int32_t t = 0; t < kTables; ++t) {
      int32_t& used = long_.resident[static_cast<size_t>(t)];
      std::vector<int32_t>& source = sources[static_cast<size_t>(t)];
      std::vector<int32_t>& keep = keeps[static_cast<size_t>(t)];
      for (int32_t i = 0; i * kPageTokens < used; ++i) source.push_back(long_.page(t, i));
      for (int32_t slot = 0; slot < used; ++slot) {
        if (slot < 4 || slot % 3 != 0) keep.push_back(slot);
      }
      used = static_cast<int32_t>(keep.size());
      heads.push_back({source.data(), static_cast<int32_t>(source.size()), keep.data(), used, source.data(), 0, 0, 0});
    }
    long_.sinks = 4;
    std::vector<int32_t> all;
    for (const std::vector<int32_t>& source : sources) all.insert(all.end(), source.begin(), source.end());
    std::vector<uint8_t> bytes(all.size() * page_bytes_);
    const auto count = static_cast<int32_t>(all.size());
    Pending copied, taken, given, compacted, read;
    const int32_t from = short_.page(0, 0), to = short_.page(0, kMost - 1);
    check(kvs_pages_copy(pages_.get(), &from, &to, 1, Pending::done, &copied));
    check(kvs_pages_read_bytes(pages_.get(), all.data(), count, bytes.data(), Pending::done, &taken));
    check(kvs_pages_write_bytes(pages_.get(), all.data(), count, bytes.data(), Pending::done, &given));
    check(kvs_pages_compact(pages_.get(), heads.data(), kTables, Pending::done, &compacted));
    std::vector<float> keys(kPageTokens * kHeadDim);
    const kvs_slot_read table = {&to, kPageTokens, keys.data()};
    check(kvs_pages_read(pages_.get(), KVS_KEYS, &table, 1, Pending::done, &read));
    copied.wait();
    taken.wait();
    given.wait();
    compacted.wait();
    read.wait();
  }

  // Closes everything while the step that was begun is under way.
  void close_under_way() {
    program_.reset();
    pages_.reset();
    device_.reset();
    pending_->wait();
  }

 private:
  static constexpr int32_t kTables = kKvLayers * kKvHeads, kMost = 80;

  DeviceHandle device_;
  ProgramHandle program_;
  PagesHandle pages_;
  uint64_t page_bytes_ = 0;
  Random random_{3};
  Sequence long_{0, kMost}, short_{kTables * kMost, kMost};
  std::vector<int32_t> tokens_;
  uint64_t draw_ = 0;
  Result result_;
  std::unique_ptr<Pending> pending_;
};

bool same(const Result& a, const Result& b) {
  return a.tokens == b.tokens && memcmp(a.logits.data(), b.logits.data(), a.logits.size() * sizeof(float)) == 0;
}

// The same on 1, 4 and 3 threads, all devices at work at once; more than one turn keys as they are written.
bool run(const std::string& level, kvs_dtype dtype) {
  std::vector<std::unique_ptr<Engine>> engines;
  for (const int32_t threads : {1, 4, 3}) engines.emplace_back(new Engine(level, threads, dtype));
  std::vector<std::pair<int32_t, int32_t>> steps = {{330, 7}, {290, 1}};
  for (int i = 0; i < 12; ++i) steps.push_back({1, i % 4 == 0 ? 5 : 1});
  bool good = true;
  for (size_t i = 0; i < steps.size(); ++i) {
    for (const auto& engine : engines) engine->begin(steps[i].first, steps[i].second);
    const Result& expected = engines[0]->wait();
    for (size_t e = 1; e < engines.size(); ++e) {
      if (same(engines[e]->wait(), expected)) continue;
      fprintf(stderr, "threads: %s, step %zu: device %zu gives other results\n", level.c_str(), i, e);
      good = false;
    }
    if (i % 5 == 4) {
      for (const auto& engine : engines) engine->evict();
    }
  }
  for (const auto& engine : engines) engine->begin(40, 40);
  for (const auto& engine : engines) engine->close_under_way();
  return good;
}

}  // namespace

int main() {
  bool good = true;
  const std::string levels = kvs_levels();
  for (size_t begin = 0; begin < levels.size();) {
    const size_t end = std::min(levels.find(',', begin), levels.size());
    const std::string level = levels.substr(begin, end - begin);
    for (const kvs_dtype dtype : {KVS_F32, KVS_F16}) {
      good = run(level, dtype) && merges_alike(level, dtype) && signals_alike(level, dtype) && good;
    }
    printf("threads: %s\n", level.c_str());
    begin = end + 1;
  }
  return good ? 0 : 1;
}
