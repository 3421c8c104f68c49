# Run by kernels/sanitize --threads in a folder that holds copies of this file and kernels/.
{
  "targets": [
    {
      "target_name": "threads",
      "type": "executable",
      "dependencies": ["kernels/cpu.gyp:kvasir_cpu"],
      "sources": ["kernels/tests/merge-threads.cpp", "kernels/tests/signal-threads.cpp", "kernels/tests/threads.cpp"],
      "include_dirs": ["kernels/include"],
      "cflags": ["-Wall", "-Wextra", "-Werror"],
      "cflags_cc": ["-std=c++17"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions", "-fno-rtti"],
      "libraries": ["-pthread"]
    }
  ]
}
