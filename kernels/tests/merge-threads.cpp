#include "merge-threads.h"

#include <string.h>

#include "harness.h"

namespace kvasir_tests {

namespace {

constexpr int32_t kVocab = 96, kHeads = 5, kHeadDim = 20, kPageTokens = 16, kTablePages = 20;
constexpr int32_t kSlots = kTablePages * kPageTokens - 3, kPages = (kHeads + 1) * kTablePages;

std::vector<int32_t> pages_of(int32_t table, int32_t count) {
  std::vector<int32_t> pages(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) pages[static_cast<size_t>(i)] = table * kTablePages + i;
  return pages;
}

// Writes rows of a random table as keys and as values.
ProgramHandle compile(kvs_device* device) {
  const std::vector<float> data = Random(7).floats(kVocab * kHeads * kHeadDim, 1);
  const int64_t shape[] = {kVocab, kHeads * kHeadDim};
  kvs_tensor* table = nullptr;
  check(kvs_tensor_copy(KVS_F32, 2, shape, data.data(), data.size() * sizeof(float), &table));
  const TensorHandle owned(table);
  const kvs_buffer buffers[] = {{kHeads * kHeadDim, 0}, {kHeads * kHeadDim, 1}, {kVocab, 1}};
  const kvs_instruction code[] = {{KVS_EMBED, 0, -1, -1, 0, -1, -1, -1, -1, 0},
                                  {KVS_WRITE_KV, -1, 0, 0, -1, 0, -1, -1, -1, 0},
                                  {KVS_GATHER_OUTPUTS, 1, 0, -1, -1, -1, -1, -1, -1, 0},
                                  {KVS_LINEAR, 2, 1, -1, 0, -1, -1, -1, -1, 0}};
  kvs_program_spec spec = {};
  spec.kv_layers = 1;
  spec.kv_heads = kHeads;
  spec.head_dim = kHeadDim;
  spec.vocab_size = kVocab;
  spec.logits = 2;
  spec.buffers = buffers;
  spec.buffer_count = 3;
  spec.tensors = &table;
  spec.tensor_count = 1;
  spec.instructions = code;
  spec.instruction_count = 4;
  kvs_program* program = nullptr;
  check(kvs_program_create(device, &spec, &program));
  return ProgramHandle(program);
}

// Compacts every head in place, the even ones with similar values only; with `shared`, also the first head's pages once
// more, to pages of their own, so that heads cannot go at once.
void compact(kvs_pages* pages, Random& random, bool shared) {
  const int32_t count = kHeads + (shared ? 1 : 0);
  std::vector<std::vector<int32_t>> sources, destinations, keeps(static_cast<size_t>(count));
  std::vector<kvs_compaction> heads;
  for (int32_t h = 0; h < count; ++h) {
    std::vector<int32_t>& keep = keeps[static_cast<size_t>(h)];
    for (int32_t slot = 0; slot < kSlots; ++slot) {
      if (random.next() % 2 == 0) keep.push_back(slot);
    }
    sources.push_back(pages_of(h % kHeads, kTablePages));
    destinations.push_back(pages_of(h, kTablePages));
  }
  for (size_t h = 0; h < keeps.size(); ++h) {
    heads.push_back({sources[h].data(), kTablePages, keeps[h].data(), static_cast<int32_t>(keeps[h].size()),
                     destinations[h].data(), 1, kSlots, h % 2 == 0 ? 0.1f : -1.0f});
  }
  Pending compacted;
  check(kvs_pages_compact(pages, heads.data(), count, Pending::done, &compacted));
  compacted.wait();
}

std::vector<float> merged_values(const std::string& level, int32_t threads, kvs_dtype dtype) {
  const DeviceHandle device = open_device(level, threads);
  const ProgramHandle program = compile(device.get());
  const kvs_pages_spec spec = {kPages, kPageTokens, kHeadDim, dtype};
  kvs_pages* created = nullptr;
  check(kvs_pages_create(device.get(), &spec, &created, nullptr));
  const PagesHandle pages(created);
  Random random(5);
  const std::vector<int32_t> tokens = random.tokens(kSlots, kVocab), resident(kHeads, 0);
  const std::vector<int32_t> tables = pages_of(0, kHeads * kTablePages);
  kvs_sequence sequence = {};
  sequence.rows = kSlots;
  sequence.resident = resident.data();
  sequence.pages = tables.data();
  sequence.page_count = static_cast<int32_t>(tables.size());
  kvs_step step = {};
  step.tokens = tokens.data();
  step.rows = kSlots;
  step.sequences = &sequence;
  step.sequence_count = 1;
  const kvs_step_result nothing = {};
  Pending filled;
  check(kvs_run(program.get(), pages.get(), &step, &nothing, Pending::done, &filled));
  for (const bool shared : {false, true}) compact(pages.get(), random, shared);
  const std::vector<int32_t> all = pages_of(0, kPages);
  std::vector<float> values(static_cast<size_t>(kPages) * kPageTokens * kHeadDim);
  const kvs_slot_read table = {all.data(), kPages * kPageTokens, values.data()};
  Pending read;
  check(kvs_pages_read(pages.get(), KVS_VALUES, &table, 1, Pending::done, &read));
  filled.wait();
  read.wait();
  return values;
}

}  // namespace

bool merges_alike(const std::string& level, kvs_dtype dtype) {
  const std::vector<float> expected = merged_values(level, 1, dtype);
  bool good = true;
  for (const int32_t threads : {2, 4}) {
    const std::vector<float> values = merged_values(level, threads, dtype);
    if (memcmp(values.data(), expected.data(), values.size() * sizeof(float)) == 0) continue;
    fprintf(stderr, "threads: %s, values merged on %d threads are others\n", level.c_str(), threads);
    good = false;
  }
  return good;
}

}  // namespace kvasir_tests
