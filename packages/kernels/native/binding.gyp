# Run by build-native.mjs in a folder that holds copies of this file, native/ and kernels/.
{
  "targets": [
    {
      "target_name": "kvasir",
      "dependencies": ["kernels/cpu.gyp:kvasir_cpu"],
      "sources": [
        "native/addon.cpp",
        "native/arguments.cpp",
        "native/device.cpp",
        "native/handle.cpp",
        "native/job.cpp",
        "native/page-bytes.cpp",
        "native/pages.cpp",
        "native/probe.cpp",
        "native/program.cpp",
        "native/queries.cpp",
        "native/status.cpp",
        "native/step.cpp",
        "native/tensor.cpp"
      ],
      "include_dirs": [
        "kernels/include",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "KVASIR_VERSION=\"<!(node -p \"require('../../package.json').version\")\""
      ],
      # Allocations that fail are caught (guarded.h); what Node-API says is still told by status.
      "cflags": ["-Wall", "-Wextra", "-O3", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions"],
      # A symbol that nobody defines fails the load instead of ending the process at its first call.
      "conditions": [["OS=='linux'", { "ldflags": ["-Wl,-z,now", "-static-libstdc++", "-static-libgcc"] }]],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_OPTIMIZATION_LEVEL": "3",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      }
    }
  ]
}
