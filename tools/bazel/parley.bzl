"""The project's rules: the native ones with its warnings, and protoc.

Every C++ target uses these, so that compiler options stand in one place.
"""

load(":proto.bzl", "PROTO_IMPORT_ROOT", "cc_proto_sources")

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
]

# Generated code is not ours to mend.
_GENERATED_COPTS = ["-w"]

_GTEST = [
    "//tools/third_party:gtest",
    "//tools/third_party:gtest_main",
]

def parley_cc_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = _WARNINGS + copts, **kwargs)

def parley_cc_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = _WARNINGS + copts, **kwargs)

def parley_cc_test(name, copts = [], deps = [], size = "small", **kwargs):
    """A GoogleTest binary; gtest, gmock and a main are linked."""
    native.cc_test(
        name = name,
        size = size,
        copts = _WARNINGS + copts,
        deps = deps + _GTEST,
        **kwargs
    )

def parley_cc_benchmark(name, copts = [], deps = [], tags = [], **kwargs):
    """A Google Benchmark binary with its main; built by hand, never a test."""
    native.cc_binary(
        name = name,
        copts = _WARNINGS + copts,
        tags = tags + ["manual"],
        testonly = True,
        deps = deps + ["//tools/third_party:benchmark_main"],
        **kwargs
    )

def parley_cc_fuzzer(name, srcs, corpus, copts = [], deps = [], tags = [], **kwargs):
    """A libFuzzer target, and a test that replays its corpus.

    `name` needs clang: `bazel run --config=fuzz //pkg:name`. `name`_replay_test
    feeds each file of the corpus once, with any compiler.

    Args:
      name: the fuzzer's name.
      srcs: sources that define LLVMFuzzerTestOneInput.
      corpus: files, at least one.
      copts: more compiler options.
      deps: libraries under test.
      tags: more tags.
      **kwargs: passed to both targets.
    """
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = _WARNINGS + copts,
        linkopts = ["-fsanitize=fuzzer"],
        tags = tags + ["manual"],
        testonly = True,
        deps = deps,
        **kwargs
    )
    native.cc_test(
        name = name + "_replay_test",
        size = "small",
        srcs = srcs,
        args = ["$(rootpaths %s)" % label for label in corpus],
        copts = _WARNINGS + copts,
        data = corpus,
        tags = tags,
        deps = deps + ["//tools/bazel:fuzz_replay_main"],
        **kwargs
    )

def parley_proto_library(name, srcs, deps = [], **kwargs):
    """C++ messages of .proto files.

    Files under //protos are imported and included by their path below that
    folder ("parley/v1/room.pb.h"), others by their path from the root.

    Args:
      name: the library's name.
      srcs: the .proto files.
      deps: other parley_proto_library or parley_grpc_library targets whose
        files are imported.
      **kwargs: passed to cc_library.
    """
    _proto_cc_library(name, srcs, deps, grpc = False, **kwargs)

def parley_grpc_library(name, srcs, deps = [], **kwargs):
    """Like parley_proto_library, with the gRPC services of the files."""
    _proto_cc_library(name, srcs, deps, grpc = True, **kwargs)

def _proto_cc_library(name, srcs, deps, grpc, **kwargs):
    protos = name + "_protoc"
    testonly = kwargs.get("testonly", False)
    visibility = kwargs.get("visibility")
    cc_proto_sources(
        name = protos,
        srcs = srcs,
        deps = [_protoc_label(dep) for dep in deps],
        grpc = grpc,
        testonly = testonly,
        visibility = visibility,
    )
    for kind in ["hdrs", "srcs"]:
        native.filegroup(
            name = "%s_%s" % (name, kind),
            srcs = [protos],
            output_group = kind,
            testonly = testonly,
            visibility = ["//visibility:private"],
        )
    in_import_root = native.package_name().split("/")[0] == PROTO_IMPORT_ROOT
    native.cc_library(
        name = name,
        srcs = [name + "_srcs"],
        hdrs = [name + "_hdrs"],
        copts = _GENERATED_COPTS,
        strip_include_prefix = "/" + PROTO_IMPORT_ROOT if in_import_root else None,
        deps = deps + [
            "//tools/third_party:protobuf",
        ] + (["//tools/third_party:grpc"] if grpc else []),
        **kwargs
    )

def _protoc_label(label):
    """The cc_proto_sources target behind a parley_proto_library."""
    if ":" in label:
        return label + "_protoc"
    if label.startswith("//"):
        return "%s:%s_protoc" % (label, label.split("/")[-1])
    return label + "_protoc"
