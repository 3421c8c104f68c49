// The entry of the addon: what JavaScript sees, name by name. Its types are src/native/addon.ts.
#include <kvasir.h>
#include <napi.h>

#include "device.h"
#include "handle.h"
#include "page-bytes.h"
#include "pages.h"
#include "probe.h"
#include "program.h"
#include "queries.h"
#include "step.h"
#include "tensor.h"

#ifndef KVASIR_VERSION
#error "KVASIR_VERSION must be the version of @kvasir/kernels"
#endif

namespace kvasir_node {
namespace {

Napi::Value ExternalMemory(const Napi::CallbackInfo& info) {
  const int64_t bytes = Napi::MemoryManagement::AdjustExternalMemory(info.Env(), 0);
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", Napi::String::New(env, KVASIR_VERSION));
  exports.Set("abiVersion", Napi::Number::New(env, kvs_abi_version()));
  exports.Set("levels", Napi::String::New(env, kvs_levels()));
  exports.Set("openDevice", Napi::Function::New<OpenDevice>(env));
  exports.Set("deviceLevel", Napi::Function::New<DeviceLevel>(env));
  exports.Set("probe", Napi::Function::New<Probe>(env));
  exports.Set("mapFile", Napi::Function::New<MapFile>(env));
  exports.Set("viewTensor", Napi::Function::New<ViewTensor>(env));
  exports.Set("copyTensor", Napi::Function::New<CopyTensor>(env));
  exports.Set("packTensor", Napi::Function::New<PackTensor>(env));
  exports.Set("createPages", Napi::Function::New<CreatePages>(env));
  exports.Set("copyPages", Napi::Function::New<CopyPages>(env));
  exports.Set("readPages", Napi::Function::New<ReadPages>(env));
  exports.Set("writePages", Napi::Function::New<WritePages>(env));
  exports.Set("compactPages", Napi::Function::New<CompactPages>(env));
  exports.Set("readSlots", Napi::Function::New<ReadSlots>(env));
  exports.Set("compile", Napi::Function::New<Compile>(env));
  exports.Set("createQueries", Napi::Function::New<CreateQueries>(env));
  exports.Set("readAttention", Napi::Function::New<ReadAttention>(env));
  exports.Set("run", Napi::Function::New<Run>(env));
  exports.Set("externalMemory", Napi::Function::New<ExternalMemory>(env));
  exports.Set("close", Napi::Function::New<CloseHandle>(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(kvasir, Init)

}  // namespace kvasir_node
