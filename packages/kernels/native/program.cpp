#include "program.h"

#include <vector>

#include "arguments.h"
#include "status.h"
#include "tensor.h"

namespace kvasir_node {
namespace {

constexpr size_t kRopeIntegers = 2;
constexpr size_t kRopeNumbers = 3;
constexpr size_t kInstructionIntegers = 9;

std::vector<kvs_buffer> ReadBuffers(Reader& reader, const Napi::Value& value) {
  const View<int32_t> flat = reader.Array<int32_t>(value);
  std::vector<kvs_buffer> buffers;
  for (size_t i = 0; i + 1 < flat.size; i += 2) buffers.push_back({flat.data[i], flat.data[i + 1]});
  return buffers;
}

// Fails with an exception pending where one is no tensor, or closed.
bool ReadTensors(const Napi::Value& value, std::vector<kvs_tensor*>* tensors) {
  const Napi::Array handles = value.As<Napi::Array>();
  for (uint32_t i = 0; i < handles.Length(); ++i) {
    const auto tensor = Unwrap<Tensor>(handles.Get(i));
    if (tensor == nullptr) return false;
    if (tensor->get() == nullptr) {
      ThrowDisposed(value.Env(), "a tensor of the program");
      return false;
    }
    tensors->push_back(tensor->get());
  }
  return true;
}

std::vector<kvs_rope> ReadRopes(Reader& reader, const Napi::Value& frequencies, const Napi::Value& integers,
                                const Napi::Value& numbers) {
  const uint32_t count = reader.Length(frequencies);
  const View<int32_t> ints = reader.Array<int32_t>(integers);
  const View<double> doubles = reader.Array<double>(numbers);
  reader.Expect(ints.size == count * kRopeIntegers && doubles.size == count * kRopeNumbers);
  std::vector<kvs_rope> ropes;
  for (uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const View<double> inverse = reader.Array<double>(frequencies.As<Napi::Array>().Get(i));
    const int32_t* whole = ints.data + i * kRopeIntegers;
    const double* real = doubles.data + i * kRopeNumbers;
    kvs_rope rope = {};
    rope.inverse_frequencies = inverse.data;
    rope.count = static_cast<int32_t>(inverse.size);
    rope.interleaved = whole[0];
    rope.dynamic_max_positions = whole[1];
    rope.scale = real[0];
    rope.dynamic_base = real[1];
    rope.dynamic_factor = real[2];
    ropes.push_back(rope);
  }
  return ropes;
}

std::vector<kvs_instruction> ReadInstructions(Reader& reader, const Napi::Value& integers,
                                              const Napi::Value& numbers) {
  const View<int32_t> ints = reader.Array<int32_t>(integers);
  const View<float> floats = reader.Array<float>(numbers);
  reader.Expect(ints.size == floats.size * kInstructionIntegers);
  std::vector<kvs_instruction> instructions;
  for (size_t i = 0; i < floats.size && !reader.failed(); ++i) {
    const int32_t* at = ints.data + i * kInstructionIntegers;
    instructions.push_back(
        {at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], floats.data[i]});
  }
  return instructions;
}

}  // namespace

void Program::Close(Napi::Env) { program_ = nullptr; }

Napi::Value Compile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto device = Unwrap<Device>(info[0]);
  if (device == nullptr) return env.Undefined();
  Reader reader(env);
  const View<int32_t> shape = reader.Array<int32_t>(info[1]);
  reader.Expect(shape.size == 5 && info[3].IsArray());
  const std::vector<kvs_buffer> buffers = ReadBuffers(reader, info[2]);
  const std::vector<kvs_rope> ropes = ReadRopes(reader, info[4], info[5], info[6]);
  const std::vector<kvs_instruction> instructions = ReadInstructions(reader, info[7], info[8]);
  const View<int32_t> lists = reader.Array<int32_t>(info[9]);
  if (reader.failed()) return reader.Throw();
  std::vector<kvs_tensor*> tensors;
  if (!ReadTensors(info[3], &tensors)) return env.Undefined();
  if (device->get() == nullptr) return ThrowDisposed(env, "the device");

  kvs_program_spec spec = {};
  spec.kv_layers = shape.data[0];
  spec.kv_heads = shape.data[1];
  spec.head_dim = shape.data[2];
  spec.vocab_size = shape.data[3];
  spec.logits = shape.data[4];
  spec.buffers = buffers.data();
  spec.buffer_count = static_cast<int32_t>(buffers.size());
  spec.tensors = tensors.data();
  spec.tensor_count = static_cast<int32_t>(tensors.size());
  spec.ropes = ropes.data();
  spec.rope_count = static_cast<int32_t>(ropes.size());
  spec.instructions = instructions.data();
  spec.instruction_count = static_cast<int32_t>(instructions.size());
  spec.kv_layer_lists = lists.data;
  spec.kv_layer_list_count = static_cast<int32_t>(lists.size);
  kvs_program* program = nullptr;
  const kvs_status status = kvs_program_create(device->get(), &spec, &program);
  if (status.code != KVS_OK) return ThrowStatus(env, status);
  return WrapHandle(env,
                    std::make_shared<Program>(device, OwnedProgram(program), int64_t{spec.kv_layers} * spec.kv_heads, spec.vocab_size,
                                              buffers[static_cast<size_t>(spec.logits)].width));
}

}  // namespace kvasir_node
