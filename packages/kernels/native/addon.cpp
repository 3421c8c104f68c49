// The entry of the addon: what JavaScript sees, name by name. Its types are src/native/addon.ts.
#include <kvasir.h>
#include <napi.h>

#include "device.h"
#include "guarded.h"
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

template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
void Export(Napi::Object exports, const char* name) {
  napi_value function = nullptr;
  if (napi_create_function(exports.Env(), name, NAPI_AUTO_LENGTH, Guarded<Function>, nullptr, &function) == napi_ok) {
    exports.Set(name, function);
  }
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  // Asking for the levels may take memory.
  Guard(env, [&]() -> Napi::Value {
    exports.Set("version", Napi::String::New(env, KVASIR_VERSION));
    exports.Set("abiVersion", Napi::Number::New(env, kvs_abi_version()));
    exports.Set("levels", Napi::String::New(env, kvs_levels()));
    Export<OpenDevice>(exports, "openDevice");
    Export<DeviceLevel>(exports, "deviceLevel");
    Export<Probe>(exports, "probe");
    Export<MapFile>(exports, "mapFile");
    Export<ViewTensor>(exports, "viewTensor");
    Export<CopyTensor>(exports, "copyTensor");
    Export<PackTensor>(exports, "packTensor");
    Export<CreatePages>(exports, "createPages");
    Export<CopyPages>(exports, "copyPages");
    Export<ReadPages>(exports, "readPages");
    Export<WritePages>(exports, "writePages");
    Export<CompactPages>(exports, "compactPages");
    Export<ReadSlots>(exports, "readSlots");
    Export<Compile>(exports, "compile");
    Export<CreateQueries>(exports, "createQueries");
    Export<ReadAttention>(exports, "readAttention");
    Export<Run>(exports, "run");
    Export<ExternalMemory>(exports, "externalMemory");
    Export<CloseHandle>(exports, "close");
    return exports;
  });
  return exports;
}

}  // namespace

NODE_API_MODULE(kvasir, Init)

}  // namespace kvasir_node
