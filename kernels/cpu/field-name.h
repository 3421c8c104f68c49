#ifndef KVASIR_FIELD_NAME_H
#define KVASIR_FIELD_NAME_H

#include <stdint.h>
#include <stdio.h>

namespace kvasir {

// "heads[3].keep", for messages; made only where it is needed, in memory of the caller.
struct FieldName {
  char text[48];
  FieldName(const char* list, int32_t index, const char* field) {
    snprintf(text, sizeof text, "%s[%d].%s", list, index, field);
  }
};

}  // namespace kvasir

#endif
