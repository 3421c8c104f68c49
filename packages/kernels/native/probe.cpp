#include "probe.h"

#include <memory>

#include "arguments.h"
#include "device.h"
#include "job.h"
#include "status.h"

namespace kvasir_node {
namespace {

struct ProbeJob : Job {
  using Job::Job;
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, per_second); }

  double per_second = 0;
};

}  // namespace

Napi::Value Probe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto device = Unwrap<Device>(info[0]);
  if (device == nullptr) return env.Undefined();
  Reader reader(env);
  const int32_t kind = reader.Int(info[1]);
  const double bytes = reader.Double(info[2]);
  const double seconds = reader.Double(info[3]);
  reader.Expect(bytes >= 0 && bytes < 0x1p53);
  if (reader.failed()) return reader.Throw();
  if (device->get() == nullptr) return ThrowDisposed(env, "the device");
  auto job = std::make_unique<ProbeJob>(device);
  ProbeJob& probe = *job;
  return device->Submit(env, std::move(job), [&](kvs_callback callback, void* user) {
    return kvs_probe(device->get(), static_cast<kvs_probe_kind>(kind), static_cast<uint64_t>(bytes), seconds,
                     &probe.per_second, callback, user);
  });
}

}  // namespace kvasir_node
