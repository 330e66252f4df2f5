"""Stand-ins for repositories that Bazel would otherwise download.

Bazel 4.2's built-in toolchain files load @rules_cc, and `bazel test` resolves
@remote_coverage_tools even when no coverage is asked for. Debian's rules_cc is
too new for Debian's Bazel, so the few names that are really loaded are
re-exported from the native rules.
"""

_CC_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "fdo_prefetch_hints",
    "fdo_profile",
    "objc_import",
    "objc_library",
]

def _stub_rules_cc_impl(ctx):
    ctx.file("BUILD.bazel", "")
    ctx.file("cc/BUILD.bazel", "")
    ctx.file("cc/defs.bzl", "".join([
        "%s = native.%s\n" % (rule, rule)
        for rule in _CC_RULES
    ]))

stub_rules_cc = repository_rule(implementation = _stub_rules_cc_impl)

def _stub_coverage_tools_impl(ctx):
    ctx.file("BUILD.bazel", """\
package(default_visibility = ["//visibility:public"])

filegroup(name = "coverage_report_generator")

filegroup(name = "lcov_merger")
""")

stub_coverage_tools = repository_rule(implementation = _stub_coverage_tools_impl)
