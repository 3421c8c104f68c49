/* The C ABI between Kvasir and a backend: device, tensor, page memory, program, step.
 *
 * Every function returns a status; no exception and no abort crosses this line. Functions may be
 * called from any one thread at a time; what is submitted runs in order on the device's own thread
 * and ends with one call of its callback there. Arrays handed to a submitted call belong to the
 * caller and must stay until that callback. Handles are reference-counted inside: closing one while
 * work that uses it is under way is safe, the memory goes when the last user is gone.
 * Semantics of instructions and steps: packages/kernels/src/program.ts and step.ts.
 */
#ifndef KVASIR_H
#define KVASIR_H

#include "kvasir/device.h"
#include "kvasir/pages.h"
#include "kvasir/program.h"
#include "kvasir/signals.h"
#include "kvasir/status.h"
#include "kvasir/step.h"
#include "kvasir/tensor.h"

#endif
