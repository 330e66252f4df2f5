import unittest

import check_includes
import dependency_rules
import tree

_LIBRARIES = dependency_rules.read_libraries(
    tree.read("tools/third_party/libraries.bzl"))
_KNOWN = frozenset(["protos/parley/v1/room.proto",
                    "protos/storage/v1/record.proto"])


def findings(path, *lines):
    return check_includes.check_text(path, "\n".join(lines) + "\n", _LIBRARIES,
                                     _KNOWN)


class FirstPartyTest(unittest.TestCase):

    def test_downward_includes_pass(self):
        for path, included in [
            ("daemon/model/a.h", "daemon/base/check.h"),
            ("daemon/wire/a.h", "daemon/socketio/packet.h"),
            ("daemon/core/outbox/outbox.h", "daemon/core/api/step.h"),
            ("daemon/core/outbox/outbox.h", "daemon/core/outbox/entry.h"),
            ("daemon/core/outbox/outbox.h", "daemon/storage/store.h"),
            ("daemon/core/sync_engine.cc", "daemon/core/outbox/outbox.h"),
            ("daemon/runtime/core_loop.cc", "daemon/core/sync_engine.h"),
            ("daemon/runtime/core_loop.cc", "daemon/core/api/step.h"),
            ("daemon/storage/rocksdb/a.cc", "daemon/storage/store.h"),
            ("daemon/app/main.cc", "daemon/storage/rocksdb/rocksdb_store.h"),
            ("daemon/rpc/convert.cc", "parley/v1/room.pb.h"),
            ("daemon/storage/records.cc", "storage/v1/record.pb.h"),
            ("tests/sim/main.cc", "daemon/core/sync_engine.h"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(
                    findings(path, '#include "%s"' % included), [])

    def test_upward_and_sideward_includes_fail(self):
        for path, included in [
            ("daemon/base/a.h", "daemon/model/ids.h"),
            ("daemon/model/a.h", "daemon/wire/codec.h"),
            ("daemon/wire/a.h", "daemon/storage/store.h"),
            ("daemon/storage/a.h", "daemon/storage/rocksdb/rocksdb_store.h"),
            ("daemon/core/api/step.h", "daemon/core/outbox/outbox.h"),
            ("daemon/core/outbox/outbox.h", "daemon/core/rooms/rooms.h"),
            ("daemon/core/outbox/outbox.h", "daemon/core/sync_engine.h"),
            ("daemon/core/sync_engine.cc", "daemon/storage/rocksdb/a.h"),
            ("daemon/transport/a.cc", "daemon/rpc/server.h"),
            ("daemon/rpc/a.cc", "daemon/core/sync_engine.h"),
            ("daemon/rpc/a.cc", "storage/v1/record.pb.h"),
            ("daemon/storage/a.cc", "parley/v1/room.pb.h"),
            ("clients/cli/a.cc", "daemon/model/ids.h"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(
                    len(findings(path, '#include "%s"' % included)), 1)

    def test_finding_names_place_and_reason(self):
        (finding,) = findings("daemon/base/a.h", "", '#include "daemon/rpc/b.h"')
        self.assertTrue(finding.startswith("daemon/base/a.h:2: "), finding)
        self.assertIn("one way", finding)


class ThirdPartyTest(unittest.TestCase):

    def test_users_pass(self):
        for path, included in [
            ("daemon/base/a.h", "<vector>"),
            ("daemon/runtime/a.cc", "<sys/eventfd.h>"),
            ("daemon/base/a.h", '"absl/strings/str_cat.h"'),
            ("daemon/rpc/a.h", "<grpcpp/grpcpp.h>"),
            ("daemon/storage/rocksdb/a.h", "<rocksdb/db.h>"),
            ("daemon/transport/a.h", "<libwebsockets.h>"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(findings(path, "#include " + included), [])

    def test_others_fail(self):
        for path, included in [
            ("daemon/runtime/a.h", "<grpcpp/grpcpp.h>"),
            ("daemon/storage/a.h", '"rocksdb/db.h"'),
            ("daemon/rpc/a.h", "<libwebsockets.h>"),
            ("daemon/core/a.h", "<nlohmann/json.hpp>"),
            ("daemon/app/a.h", "<boost/asio.hpp>"),
        ]:
            with self.subTest(path=path, included=included):
                self.assertEqual(len(findings(path, "#include " + included)), 1)


class BansTest(unittest.TestCase):

    def test_core_bans(self):
        for line in [
            "auto t = absl::Now();",
            "std::chrono::steady_clock::now();",
            "std::thread t;",
            "std::lock_guard<std::mutex> l(m);",
            "absl::Mutex mu;",
            "std::random_device d;",
            "absl::BitGen gen;",
            "absl::flat_hash_map<int, int> m;",
            "std::unordered_set<int> s;",
            "#include <unordered_map>",
            "#include <fstream>",
        ]:
            with self.subTest(line=line):
                self.assertNotEqual(findings("daemon/core/a.cc", line), [])
                self.assertEqual(findings("daemon/runtime/a.cc", line), [])

    def test_generated_code_stays_out_of_the_core(self):
        self.assertNotEqual(
            findings("daemon/core/a.cc", '#include "parley/v1/room.pb.h"'), [])

    def test_comments_and_strings_are_no_code(self):
        self.assertEqual(findings(
            "daemon/core/a.cc",
            "// absl::Now() is banned",
            "/* std::thread",
            "   std::mutex */",
            'Log("std::thread");',
            'auto r = R"(absl::Now())";',
            "int big = 1'000'000;  // absl::Now",
        ), [])

    def test_code_after_a_digit_separator_is_code(self):
        self.assertNotEqual(
            findings("daemon/core/a.cc", "f(1'000, absl::Now(), 2'000);"), [])

    def test_sleeps_in_tests_fail(self):
        for path, line in [
            ("daemon/core/a_test.cc", "std::this_thread::sleep_for(x);"),
            ("daemon/core/a_test.cc", "absl::SleepFor(x);"),
            ("tests/integration/a.cc", "usleep(5);"),
            ("tests/integration/a.cc", "sleep(5);"),
            ("tests/integration/a.py", "time.sleep(1)"),
            ("tools/x/a.test.ts", "await new Promise((r) => setTimeout(r, 9));"),
        ]:
            with self.subTest(path=path, line=line):
                self.assertEqual(len(findings(path, line)), 1)

    def test_deadlines_in_tests_pass(self):
        self.assertEqual(findings(
            "tools/x/a.test.ts",
            "setTimeout(() => reject(new Error('late')), 5000);"), [])
        self.assertEqual(findings(
            "tests/integration/a.cc", "cv.wait_until(lock, deadline);"), [])


if __name__ == "__main__":
    unittest.main()
