// Lays weights out for products on a device's threads.
#ifndef KVASIR_PACK_JOB_H
#define KVASIR_PACK_JOB_H

#include <memory>

#include "device.h"
#include "tensor.h"

namespace kvasir {

// The packed weight that `make_pack_job` fills. Throws where `dtype` is none that `weight` can be packed as.
std::shared_ptr<Tensor> packed_weight(const Tensor& weight, int32_t dtype);
std::unique_ptr<Job> make_pack_job(std::shared_ptr<const Tensor> weight, std::shared_ptr<Tensor> packed);

}  // namespace kvasir

#endif
