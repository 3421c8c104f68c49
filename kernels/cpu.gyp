# The CPU backend: one static library for what every machine runs (dispatch, executor, sampling, ABI and the
# reference kernels), and one per level. Depend on kvasir_cpu; the levels come with it.
# Only a level's own sources see its instruction set. See README.md.
{
  "variables": {
    "vector_sources": [
      "cpu/vector/attend.cpp",
      "cpu/vector/convert.cpp",
      "cpu/vector/expect.cpp",
      "cpu/vector/linear.cpp",
      "cpu/vector/observe.cpp",
      "cpu/vector/probe.cpp",
      "cpu/vector/quant-linear.cpp",
      "cpu/vector/quant-rows.cpp",
      "cpu/vector/rows.cpp",
      "cpu/vector/similarity.cpp",
      "cpu/vector/table.cpp"
    ],
    "avx2_flags": ["-mavx2", "-mfma", "-mf16c"],
    "avx512_flags": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mf16c"],
    "avx512vnni_flags": ["<@(avx512_flags)", "-mavx512vnni"],
    "amx_flags": ["<@(avx512vnni_flags)", "-mamx-tile", "-mamx-int8"],
    # The first is named because a compiler's own default may be more.
    "neon_flags": ["-march=armv8-a"],
    "neondot_flags": ["-march=armv8.2-a+dotprod"]
  },
  "target_defaults": {
    "include_dirs": ["cpu", "include"],
    "cflags": ["-fPIC", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-ffp-contract=off"],
    "cflags_cc": ["-std=c++17"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
      "MACOSX_DEPLOYMENT_TARGET": "11.0",
      "OTHER_CPLUSPLUSFLAGS": ["-ffp-contract=off"]
    }
  },
  "targets": [
    {
      "target_name": "kvasir_cpu",
      "type": "static_library",
      "sources": [
        "cpu/abi.cpp",
        "cpu/attend-args.cpp",
        "cpu/attention-read.cpp",
        "cpu/compaction.cpp",
        "cpu/device.cpp",
        "cpu/executor-attend.cpp",
        "cpu/executor-cache.cpp",
        "cpu/executor-observe.cpp",
        "cpu/executor.cpp",
        "cpu/future-turns.cpp",
        "cpu/large-memory.cpp",
        "cpu/levels.cpp",
        "cpu/observe.cpp",
        "cpu/operand-check.cpp",
        "cpu/pack-job.cpp",
        "cpu/page-bytes.cpp",
        "cpu/page-jobs.cpp",
        "cpu/page-memory.cpp",
        "cpu/plan.cpp",
        "cpu/probe-job.cpp",
        "cpu/program-check.cpp",
        "cpu/program.cpp",
        "cpu/query-window.cpp",
        "cpu/sampler.cpp",
        "cpu/shared-spans.cpp",
        "cpu/slot-read.cpp",
        "cpu/status.cpp",
        "cpu/step-job.cpp",
        "cpu/tensor.cpp",
        "cpu/value-merge.cpp",
        "cpu/worker-pool.cpp"
      ],
      "cflags": ["-O2"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
      "xcode_settings": { "GCC_ENABLE_CPP_EXCEPTIONS": "YES", "GCC_ENABLE_CPP_RTTI": "YES" },
      "dependencies": ["kvasir_cpu_quant", "kvasir_cpu_reference"],
      "conditions": [
        [
          "target_arch=='x64'",
          {
            "dependencies": [
              "kvasir_cpu_baseline",
              "kvasir_cpu_avx2",
              "kvasir_cpu_avx512",
              "kvasir_cpu_avx512vnni",
              "kvasir_cpu_amx"
            ]
          }
        ],
        ["target_arch=='arm64'", { "dependencies": ["kvasir_cpu_neon", "kvasir_cpu_neondot"] }]
      ]
    },
    {
      "target_name": "kvasir_cpu_quant",
      "type": "static_library",
      "sources": [
        "cpu/quant/block-rounding.cpp",
        "cpu/quant/blocks.cpp",
        "cpu/quant/packing.cpp"
      ],
      "cflags": ["-O3"]
    },
    {
      "target_name": "kvasir_cpu_reference",
      "type": "static_library",
      "sources": [
        "cpu/reference/attend.cpp",
        "cpu/reference/linear.cpp",
        "cpu/reference/observe.cpp",
        "cpu/reference/probe.cpp",
        "cpu/reference/quant-linear.cpp",
        "cpu/reference/rows.cpp",
        "cpu/reference/similarity.cpp",
        "cpu/reference/table.cpp"
      ],
      "cflags!": ["-O3"],
      "cflags": ["-O2"]
    }
  ],
  "conditions": [
    [
      "target_arch=='x64'",
      {
        "targets": [
          {
            "target_name": "kvasir_cpu_baseline",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=baseline"],
            "cflags": ["-O3"]
          },
          {
            "target_name": "kvasir_cpu_avx2",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=avx2"],
            "cflags": ["-O3", "<@(avx2_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx2_flags)"] }
          },
          {
            "target_name": "kvasir_cpu_avx512",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=avx512"],
            "cflags": ["-O3", "<@(avx512_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512_flags)"] }
          },
          {
            "target_name": "kvasir_cpu_avx512vnni",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=avx512vnni"],
            "cflags": ["-O3", "<@(avx512vnni_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(avx512vnni_flags)"] }
          },
          {
            "target_name": "kvasir_cpu_amx",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=amx"],
            "cflags": ["-O3", "<@(amx_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(amx_flags)"] }
          }
        ]
      }
    ],
    [
      "target_arch=='arm64'",
      {
        "targets": [
          {
            "target_name": "kvasir_cpu_neon",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=neon"],
            "cflags": ["-O3", "<@(neon_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(neon_flags)"] }
          },
          {
            "target_name": "kvasir_cpu_neondot",
            "type": "static_library",
            "sources": ["<@(vector_sources)"],
            "defines": ["KVASIR_LEVEL=neondot"],
            "cflags": ["-O3", "<@(neondot_flags)"],
            "xcode_settings": { "OTHER_CPLUSPLUSFLAGS": ["<@(neondot_flags)"] }
          }
        ]
      }
    ]
  ]
}
