"""npm packages of a lock file, as a repository."""

def _npm_packages_impl(ctx):
    # Copies: npm writes beside what it reads.
    for label in [ctx.attr.package_json, ctx.attr.package_lock]:
        ctx.file(label.name, ctx.read(label))
    result = ctx.execute(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        timeout = 600,
    )
    if result.return_code != 0:
        fail("npm ci for %s: %s%s" % (
            ctx.attr.package_json,
            result.stdout,
            result.stderr,
        ))
    ctx.file("BUILD.bazel", """\
exports_files(
    ["node_modules"],
    visibility = ["//visibility:public"],
)
""")

npm_packages = repository_rule(
    implementation = _npm_packages_impl,
    doc = "Installs what a lock file pins, by its hashes, and runs no scripts of it. `@NAME//:node_modules` is the folder.",
    attrs = {
        "package_json": attr.label(mandatory = True, allow_single_file = True),
        "package_lock": attr.label(mandatory = True, allow_single_file = True),
    },
)
