/* What calls return, and what a submitted call reports when it ends. */
#ifndef KVASIR_ABI_STATUS_H
#define KVASIR_ABI_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVS_ABI_VERSION 4

typedef enum {
  KVS_OK = 0, KVS_INVALID_ARGUMENT = 1, KVS_OUT_OF_MEMORY = 2, KVS_UNSUPPORTED = 3, KVS_IO = 4, KVS_INTERNAL = 5
} kvs_code;

typedef struct {
  kvs_code code;
  char message[252]; /* empty when code is KVS_OK; always terminated */
} kvs_status;

typedef void (*kvs_callback)(void* user, const kvs_status* status);

int32_t kvs_abi_version(void);

#ifdef __cplusplus
}
#endif

#endif
