"""Who may use which system library, and why nobody else.

Read by Bazel, for the visibility of //tools/third_party:NAME, and by
//tools/checks:includes, for #include lines: the headers are in /usr/include,
which Bazel does not watch. Literals only, so that Python can read it too.

headers: regular expressions that an #include path starts with.
users: packages, with all below them; "" is every package.
"""

LIBRARIES = {
    "absl": {
        "headers": ["absl/"],
        "users": [""],
        "why": "",
    },
    "benchmark": {
        "headers": ["benchmark/"],
        "users": [""],
        "why": "",
    },
    "cli11": {
        "headers": ["CLI/"],
        "users": ["clients/cli", "daemon/app", "tests/sim", "tests/spec"],
        "why": "only programs have a command line",
    },
    "grpc": {
        "headers": ["grpc/", "grpcpp/", "grpc\\+\\+/"],
        "users": ["clients", "daemon/app", "daemon/rpc", "protos", "tests"],
        "why": "gRPC is an edge; behind it there are events and model types",
    },
    "gtest": {
        "headers": ["gtest/", "gmock/"],
        "users": [""],
        "why": "",
    },
    "json": {
        "headers": ["nlohmann/"],
        "users": [
            "clients/cli",
            "daemon/base",
            "daemon/engineio",
            "daemon/socketio",
            "daemon/wire",
            "tests",
            "tools",
        ],
        "why": "JSON is the server's spelling; behind wire there are typed events",
    },
    "libwebsockets": {
        "headers": ["libwebsockets"],
        "users": ["daemon/transport", "tests"],
        "why": "only transport touches sockets to the server",
    },
    "openssl": {
        "headers": ["openssl/"],
        "users": ["daemon/app", "daemon/transport", "tests"],
        "why": "TLS belongs to transport",
    },
    "protobuf": {
        "headers": ["google/protobuf/"],
        "users": [
            "clients",
            "daemon/app",
            "daemon/rpc",
            "daemon/storage",
            "protos",
            "tests",
        ],
        "why": "protobuf is how the API and the disk spell things; logic uses model",
    },
    "rocksdb": {
        "headers": ["rocksdb/"],
        "users": ["daemon/app", "daemon/storage/rocksdb", "tests"],
        "why": "everyone else uses the port daemon/storage/store.h",
    },
    "spdlog": {
        "headers": ["spdlog/", "fmt/"],
        "users": ["daemon/app", "daemon/base"],
        "why": "logging goes through daemon/base/logging.h",
    },
    "systemd": {
        "headers": ["systemd/"],
        "users": ["daemon/app", "daemon/platform"],
        "why": "only app talks to the service manager, only platform to logind",
    },
    "tomlplusplus": {
        "headers": ["toml\\+\\+/", "toml\\.hpp"],
        "users": ["daemon/app"],
        "why": "the configuration is read once, by app, into plain values",
    },
}

def users_of(name):
    """The Bazel visibility of a library."""
    return [
        "//%s:__subpackages__" % user if user else "//:__subpackages__"
        for user in LIBRARIES[name]["users"]
    ]
