// Loaded before all other libraries of a process, this counts the allocations that kvasir.node makes, in its own code or
// in the standard library on its behalf, and fails one of them. Those of Node and V8 pass untouched. The file that
// KVASIR_ALLOCATIONS names is shared with the test: see allocation-faults.ts.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <new>

// The C library's own, past the names that are taken here.
extern "C" void* __libc_malloc(size_t);
extern "C" void* __libc_calloc(size_t, size_t);
extern "C" void* __libc_realloc(void*, size_t);
extern "C" void* __libc_memalign(size_t, size_t);

namespace {

constexpr uint64_t kMostLogged = 1 << 16;

// What the test writes and reads; `log` has one entry for each allocation since `armed`.
struct Control {
  std::atomic<uint64_t> armed;
  uint64_t fail_path, fail_at;  // which one of that path, from 1; 0: none
  std::atomic<uint64_t> matched;
  std::atomic<uint64_t> count;
  std::atomic<uint64_t> failed;
  struct {
    uint64_t site;  // offset in kvasir.node of the call
    uint64_t path;  // of the calls that led to it
  } log[kMostLogged];
};

struct Range {
  uintptr_t begin = 0, end = 0;
  bool holds(uintptr_t address) const { return address >= begin && address < end; }
};

Control* control = nullptr;
Range addon, standard_library, own;
// A look at the stack may itself allocate.
__thread bool looking __attribute__((tls_model("initial-exec"))) = false;

int note_range(dl_phdr_info* info, size_t, void*) {
  Range range;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (range.end == 0) range.begin = info->dlpi_addr;
    if (begin + segment.p_memsz > range.end) range.end = begin + segment.p_memsz;
  }
  if (strstr(info->dlpi_name, "kvasir.node") != nullptr) addon = range;
  if (strstr(info->dlpi_name, "libstdc++.so") != nullptr) standard_library = range;
  if (range.holds(reinterpret_cast<uintptr_t>(&control))) own = range;
  return 0;
}

struct Look {
  uint64_t site = 0, path = 0;
  int depth = 0;
};

// The innermost calls of kvasir.node, where nothing but the standard library lies between them and the allocation.
_Unwind_Reason_Code look_at(_Unwind_Context* context, void* data) {
  Look* look = static_cast<Look*>(data);
  const uintptr_t address = _Unwind_GetIP(context);
  if (!addon.holds(address)) {
    const bool passes = look->site == 0 && (own.holds(address) || standard_library.holds(address));
    return passes ? _URC_NO_REASON : _URC_END_OF_STACK;
  }
  const uint64_t offset = address - addon.begin;
  if (look->site == 0) look->site = offset;
  look->path = look->path * 1000003 + offset;
  return ++look->depth == 4 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

// Whether this allocation is to fail.
bool fails(void* caller) {
  if (control == nullptr || looking || control->armed.load(std::memory_order_acquire) == 0) return false;
  looking = true;
  bool result = false;
  if (addon.end == 0) dl_iterate_phdr(note_range, nullptr);
  const auto from = reinterpret_cast<uintptr_t>(caller);
  if (addon.holds(from) || standard_library.holds(from)) {
    Look look;
    _Unwind_Backtrace(look_at, &look);
    if (look.site != 0) {
      const uint64_t number = control->count.fetch_add(1) + 1;
      const uint64_t path = look.path & 0xffffffffffff;
      if (number <= kMostLogged) control->log[number - 1] = {look.site, path};
      result = path == control->fail_path && control->matched.fetch_add(1) + 1 == control->fail_at;
      if (result) control->failed.fetch_add(1);
    }
  }
  looking = false;
  return result;
}

__attribute__((constructor)) void open_control() {
  const char* path = getenv("KVASIR_ALLOCATIONS");
  const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* memory = reinterpret_cast<void*>(
      syscall(SYS_mmap, nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  close(file);
  if (memory != MAP_FAILED) control = static_cast<Control*>(memory);
}

void* allocate(size_t bytes) { return __libc_malloc(bytes == 0 ? 1 : bytes); }

void* mapped(void* address, size_t bytes, int protection, int flags, int file, off_t offset, void* caller) {
  if (fails(caller)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}

}  // namespace

#define CALLER __builtin_return_address(0)

extern "C" {

void* malloc(size_t bytes) {
  if (!fails(CALLER)) return __libc_malloc(bytes);
  errno = ENOMEM;
  return nullptr;
}

void* calloc(size_t count, size_t bytes) {
  if (!fails(CALLER)) return __libc_calloc(count, bytes);
  errno = ENOMEM;
  return nullptr;
}

void* realloc(void* memory, size_t bytes) {
  if (!fails(CALLER)) return __libc_realloc(memory, bytes);
  errno = ENOMEM;
  return nullptr;
}

int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  if (fails(CALLER)) return ENOMEM;
  void* aligned = __libc_memalign(alignment, bytes);
  if (aligned == nullptr) return ENOMEM;
  *memory = aligned;
  return 0;
}

void* aligned_alloc(size_t alignment, size_t bytes) {
  if (!fails(CALLER)) return __libc_memalign(alignment, bytes);
  errno = ENOMEM;
  return nullptr;
}

void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  return mapped(address, bytes, protection, flags, file, offset, CALLER);
}

void* mmap64(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  return mapped(address, bytes, protection, flags, file, offset, CALLER);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  if (fails(CALLER)) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return create(thread, attributes, start, argument);
}

}  // extern "C"

void* operator new(size_t bytes) {
  void* memory = fails(CALLER) ? nullptr : allocate(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new[](size_t bytes) {
  void* memory = fails(CALLER) ? nullptr : allocate(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return fails(CALLER) ? nullptr : allocate(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return fails(CALLER) ? nullptr : allocate(bytes); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }
