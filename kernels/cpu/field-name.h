#ifndef KVASIR_FIELD_NAME_H
#define KVASIR_FIELD_NAME_H

#include <stdint.h>
#include <stdio.h>

namespace kvasir {

// A field that messages name: "from", or "heads[3].keep". Its text is only made for a message.
struct FieldName {
  struct Text {
    char chars[48];
  };

  const char* list;
  int64_t index;
  const char* field;

  FieldName(const char* name) : list(name), index(0), field(nullptr) {}
  FieldName(const char* of_list, int64_t at, const char* name) : list(of_list), index(at), field(name) {}

  Text text() const {
    Text made;
    if (field == nullptr) {
      snprintf(made.chars, sizeof made.chars, "%s", list);
    } else {
      snprintf(made.chars, sizeof made.chars, "%s[%lld].%s", list, static_cast<long long>(index), field);
    }
    return made;
  }
};

}  // namespace kvasir

#endif
