// Measures what a device's processor and memory can do.
#ifndef KVASIR_PROBE_JOB_H
#define KVASIR_PROBE_JOB_H

#include <memory>

#include "device.h"

namespace kvasir {

// Throws where an argument is out of range.
std::unique_ptr<Job> make_probe_job(kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second);

}  // namespace kvasir

#endif
