"""protoc of Debian's protobuf-compiler, as a rule.

The proto rules that come with Bazel want protobuf built from source.
"""

ProtoFilesInfo = provider(
    doc = "The .proto files of a target and of all that it imports.",
    fields = {"transitive_sources": "depset of .proto files"},
)

PROTO_IMPORT_ROOT = "protos"
_PROTOC = "/usr/bin/protoc"
_GRPC_PLUGIN = "/usr/bin/grpc_cpp_plugin"

def _cc_proto_sources_impl(ctx):
    hdrs = []
    srcs = []
    suffixes = [".pb"] + ([".grpc.pb"] if ctx.attr.grpc else [])
    for proto in ctx.files.srcs:
        base = proto.basename[:-len(".proto")]
        for suffix in suffixes:
            hdrs.append(ctx.actions.declare_file(base + suffix + ".h", sibling = proto))
            srcs.append(ctx.actions.declare_file(base + suffix + ".cc", sibling = proto))

    sources = depset(
        ctx.files.srcs,
        transitive = [dep[ProtoFilesInfo].transitive_sources for dep in ctx.attr.deps],
    )
    in_import_root = ctx.label.package.split("/")[0] == PROTO_IMPORT_ROOT
    out = ctx.bin_dir.path + ("/" + PROTO_IMPORT_ROOT if in_import_root else "")

    args = ctx.actions.args()

    # A file's name is what is left of the first path that holds it.
    args.add("-I" + PROTO_IMPORT_ROOT)
    args.add("-I.")
    args.add("--cpp_out=" + out)
    if ctx.attr.grpc:
        args.add("--plugin=protoc-gen-grpc=" + _GRPC_PLUGIN)
        args.add("--grpc_out=" + out)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = _PROTOC,
        arguments = [args],
        inputs = sources,
        outputs = hdrs + srcs,
        mnemonic = "Protoc",
        progress_message = "Generating C++ of %{label}",
    )
    return [
        DefaultInfo(files = depset(hdrs + srcs)),
        OutputGroupInfo(hdrs = depset(hdrs), srcs = depset(srcs)),
        ProtoFilesInfo(transitive_sources = sources),
    ]

cc_proto_sources = rule(
    implementation = _cc_proto_sources_impl,
    attrs = {
        "deps": attr.label_list(providers = [ProtoFilesInfo]),
        "grpc": attr.bool(default = False),
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
    },
)
