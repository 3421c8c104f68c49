#include "signal-threads.h"

#include <string.h>

#include <algorithm>

#include "harness.h"

namespace kvasir_tests {

namespace {

constexpr int32_t kVocab = 96, kHeads = 6, kKvHeads = 2, kHeadDim = 20, kPageTokens = 16, kTablePages = 40;
constexpr int32_t kSequences = 3, kPages = kSequences * kKvHeads * kTablePages;

using QueriesHandle = std::unique_ptr<kvs_queries, Closer<kvs_queries, kvs_queries_close>>;

// Two layers that attend to one KV layer, one of them through a window.
ProgramHandle compile(kvs_device* device) {
  std::vector<TensorHandle> owned;
  std::vector<kvs_tensor*> tensors;
  for (const int64_t width : {int64_t{kHeads * kHeadDim}, int64_t{kKvHeads * kHeadDim}}) {
    const std::vector<float> data = Random(static_cast<uint32_t>(width)).floats(kVocab * width, 1);
    const int64_t shape[] = {kVocab, width};
    kvs_tensor* table = nullptr;
    check(kvs_tensor_copy(KVS_F32, 2, shape, data.data(), data.size() * sizeof(float), &table));
    owned.emplace_back(table);
    tensors.push_back(table);
  }
  enum { kX, kKv, kFirst, kSecond, kGathered, kLogits };
  const kvs_buffer buffers[] = {{kHeads * kHeadDim, 0}, {kKvHeads * kHeadDim, 0}, {kHeads * kHeadDim, 0},
                                {kHeads * kHeadDim, 0}, {kHeads * kHeadDim, 1},   {kVocab, 1}};
  const kvs_instruction code[] = {{KVS_EMBED, kX, -1, -1, 0, -1, -1, -1, -1, 0},
                                  {KVS_EMBED, kKv, -1, -1, 1, -1, -1, -1, -1, 0},
                                  {KVS_WRITE_KV, -1, kKv, kKv, -1, 0, 0, -1, -1, 0},
                                  {KVS_ATTEND, kFirst, kX, -1, -1, 0, 0, 0, 0, 0.3f},
                                  {KVS_ATTEND, kSecond, kFirst, -1, -1, 0, 1, 90, 0, 0.3f},
                                  {KVS_GATHER_OUTPUTS, kGathered, kSecond, -1, -1, -1, -1, -1, -1, 0},
                                  {KVS_LINEAR, kLogits, kGathered, -1, 0, -1, -1, -1, -1, 0}};
  const double frequencies[] = {1, 0.3, 0.1, 0.03};
  const kvs_rope rope = {frequencies, 4, 0, 1, 0, 1, 1};
  kvs_program_spec spec = {};
  spec.kv_layers = 1;
  spec.kv_heads = kKvHeads;
  spec.head_dim = kHeadDim;
  spec.vocab_size = kVocab;
  spec.logits = kLogits;
  spec.buffers = buffers;
  spec.buffer_count = sizeof buffers / sizeof *buffers;
  spec.tensors = tensors.data();
  spec.tensor_count = 2;
  spec.ropes = &rope;
  spec.rope_count = 1;
  spec.instructions = code;
  spec.instruction_count = sizeof code / sizeof *code;
  kvs_program* program = nullptr;
  check(kvs_program_create(device, &spec, &program));
  return ProgramHandle(program);
}

// Sequences in one device that all leave signals, and are read while the next step waits.
class Watched {
 public:
  Watched(const std::string& level, int32_t threads, kvs_dtype dtype)
      : device_(open_device(level, threads)), program_(compile(device_.get())) {
    const kvs_pages_spec spec = {kPages, kPageTokens, kHeadDim, dtype};
    kvs_pages* pages = nullptr;
    check(kvs_pages_create(device_.get(), &spec, &pages, nullptr));
    pages_.reset(pages);
    for (int32_t s = 0; s < kSequences; ++s) {
      kvs_queries* queries = nullptr;
      check(kvs_queries_create(program_.get(), 1 + 20 * s, &queries, nullptr));
      queries_.emplace_back(queries);
      for (int32_t t = s * kKvHeads; t < (s + 1) * kKvHeads; ++t) {
        tables_.emplace_back();
        for (int32_t i = 0; i < kTablePages; ++i) tables_.back().push_back(t * kTablePages + i);
      }
    }
  }

  // A step of so many rows for each sequence, then a read of everything, begun before the step has ended.
  std::vector<float> run(const std::vector<int32_t>& rows) {
    const kvs_collection collections[] = {{KVS_MEAN, 1, 0, 0}, {KVS_MAX, 1.5f, 1, 7}, {KVS_SUM, 1, 0, 0}};
    std::vector<kvs_sequence> sequences;
    std::vector<std::vector<int32_t>> resident, pages;
    int32_t all = 0;
    for (size_t s = 0; s < kSequences; ++s) {
      resident.push_back(std::vector<int32_t>(kKvHeads, used_[s]));
      pages.emplace_back();
      const int32_t count = (used_[s] + rows[s] + kPageTokens - 1) / kPageTokens;
      for (size_t h = 0; h < kKvHeads; ++h) {
        const std::vector<int32_t>& table = tables_[s * kKvHeads + h];
        pages.back().insert(pages.back().end(), table.begin(), table.begin() + count);
      }
      sequences.push_back({rows[s], used_[s], 0, resident.back().data(), pages.back().data(), count * kKvHeads,
                           queries_[s].get(), collections + s});
      used_[s] += rows[s];
      all += rows[s];
    }
    const std::vector<int32_t> tokens = random_.tokens(all, kVocab);
    kvs_step step = {};
    step.tokens = tokens.data();
    step.rows = all;
    step.sequences = sequences.data();
    step.sequence_count = kSequences;
    const kvs_step_result nothing = {};
    Pending ran;
    check(kvs_run(program_.get(), pages_.get(), &step, &nothing, Pending::done, &ran));
    std::vector<float> read = read_all();
    ran.wait();
    return read;
  }

  // Closes everything while a read is under way.
  void close_under_way() {
    std::vector<float> out(static_cast<size_t>(used_[2]));
    const kvs_attention_read read = {queries_[2].get(), 0, 0, tables_[2 * kKvHeads].data(), used_[2], used_[2], 0,
                                     KVS_ATTENTION_EXPECTED, 5, KVS_MAX, 1, 64, out.data()};
    Pending pending;
    check(kvs_attention_read_run(program_.get(), pages_.get(), &read, 1, Pending::done, &pending));
    queries_.clear();
    program_.reset();
    pages_.reset();
    device_.reset();
    pending.wait();
  }

 private:
  std::vector<float> read_all() {
    std::vector<std::vector<float>> outs;
    std::vector<kvs_slot_read> sums;
    std::vector<kvs_attention_read> reads;
    for (size_t t = 0; t < tables_.size(); ++t) {
      const size_t s = t / kKvHeads;
      const int32_t slots = used_[s];
      for (int32_t measure = -1; measure <= KVS_ATTENTION_EXPECTED; ++measure) {
        outs.emplace_back(static_cast<size_t>(slots), 0.0f);
        if (measure < 0) {
          sums.push_back({tables_[t].data(), slots, outs.back().data()});
        } else {
          reads.push_back({queries_[s].get(), 0, static_cast<int32_t>(t % kKvHeads), tables_[t].data(), slots, slots, 0,
                           measure, 1 + 10 * static_cast<int32_t>(s), measure % 3, 1, 64, outs.back().data()});
        }
      }
    }
    Pending summed, said;
    check(kvs_pages_read(pages_.get(), KVS_ATTENTION_SUM, sums.data(), static_cast<int32_t>(sums.size()), Pending::done,
                         &summed));
    check(kvs_attention_read_run(program_.get(), pages_.get(), reads.data(), static_cast<int32_t>(reads.size()),
                                 Pending::done, &said));
    summed.wait();
    said.wait();
    std::vector<float> all;
    for (const std::vector<float>& out : outs) all.insert(all.end(), out.begin(), out.end());
    return all;
  }

  DeviceHandle device_;
  ProgramHandle program_;
  PagesHandle pages_;
  std::vector<QueriesHandle> queries_;
  std::vector<std::vector<int32_t>> tables_;
  std::vector<int32_t> used_ = std::vector<int32_t>(kSequences, 0);
  Random random_{3};
};

}  // namespace

bool signals_alike(const std::string& level, kvs_dtype dtype) {
  std::vector<std::unique_ptr<Watched>> devices;
  for (const int32_t threads : {1, 3, 4}) devices.emplace_back(new Watched(level, threads, dtype));
  bool good = true;
  for (const std::vector<int32_t>& rows : {std::vector<int32_t>{5, 300, 60}, {1, 1, 40}, {30, 2, 1}}) {
    const std::vector<float> expected = devices[0]->run(rows);
    for (size_t d = 1; d < devices.size(); ++d) {
      const std::vector<float> read = devices[d]->run(rows);
      if (memcmp(read.data(), expected.data(), read.size() * sizeof(float)) == 0) continue;
      fprintf(stderr, "threads: %s, device %zu gives other signals\n", level.c_str(), d);
      good = false;
    }
    if (*std::max_element(expected.begin(), expected.end()) > 0) continue;
    fprintf(stderr, "threads: %s, there are no signals\n", level.c_str());
    good = false;
  }
  for (const auto& device : devices) device->close_under_way();
  return good;
}

}  // namespace kvasir_tests
