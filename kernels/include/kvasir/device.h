/* Devices: the threads that submitted work runs on, and what they can do. */
#ifndef KVASIR_ABI_DEVICE_H
#define KVASIR_ABI_DEVICE_H

#include <stdint.h>

#include "kvasir/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kvs_device kvs_device;

/* Comma-separated levels that this machine can run, slowest first ("reference,baseline,avx2"). Static string. */
const char* kvs_levels(void);

/* level: one of kvs_levels(), or NULL for the best. threads: 1 to 256. */
kvs_status kvs_device_open(const char* level, int32_t threads, kvs_device** device);
/* The level in use. Lives as long as the device. */
const char* kvs_device_level(const kvs_device* device);
/* Waits for what was submitted, then stops the threads. Not from a callback, which runs on one of them. */
void kvs_device_close(kvs_device* device);

/* READ: bytes a second that all threads together read from a buffer. FLOAT and BYTE: operations a second with f32 and
 * with 8-bit integers, by the instructions of the level, in registers; a multiplication and an addition count as two. */
typedef enum { KVS_PROBE_READ = 0, KVS_PROBE_FLOAT = 1, KVS_PROBE_BYTE = 2 } kvs_probe_kind;

/* Measures for about `seconds` (up to 60) and gives the best pass. bytes: of the buffer of READ, whole MiB. */
kvs_status kvs_probe(kvs_device* device, kvs_probe_kind kind, uint64_t bytes, double seconds, double* per_second,
                     kvs_callback callback, void* user);

#ifdef __cplusplus
}
#endif

#endif
