import unittest

import test_results


def configured(label, kind="cc_test rule"):
    return {"id": {"targetConfigured": {"label": label}},
            "configured": {"targetKind": kind}}


def completed(label, success):
    event = {"id": {"targetCompleted": {"label": label}}}
    return dict(event, completed={"success": True}) if success else dict(
        event, completed={})


def summary(label, status):
    return {"id": {"testSummary": {"label": label}},
            "testSummary": {"overallStatus": status}}


class CountTest(unittest.TestCase):

    def test_all_pass(self):
        self.assertEqual(test_results.count([
            configured("//a:a_test"), completed("//a:a_test", True),
            configured("//a:a", "cc_library rule"), completed("//a:a", True),
            summary("//a:a_test", "PASSED"),
        ], 0), (1, []))

    def test_failures_time_outs_and_flakes(self):
        self.assertEqual(test_results.count([
            configured("//a:a_test"), summary("//a:a_test", "FAILED"),
            configured("//a:b_test"), summary("//a:b_test", "TIMEOUT"),
            configured("//a:c_test"), summary("//a:c_test", "FLAKY"),
        ], 3), (1, ["//a:a_test", "//a:b_test"]))

    def test_what_does_not_build_failed_once(self):
        self.assertEqual(test_results.count([
            configured("//a:a_test"), completed("//a:a_test", False),
            configured("//a:a", "cc_library rule"), completed("//a:a", False),
            configured("//a:b_test"), summary("//a:b_test", "PASSED"),
        ], 1), (1, ["//a:a", "//a:a_test"]))

    def test_a_test_that_never_ran_failed(self):
        self.assertEqual(test_results.count([
            configured("//a:a_test"), configured("//a:b_test"),
            summary("//a:a_test", "PASSED"),
        ], 8), (1, ["//a:b_test"]))

    def test_bazel_failing_alone_is_a_failure(self):
        self.assertEqual(test_results.count([], 37),
                         (0, ["bazel itself (exit code 37)"]))
        self.assertEqual(
            test_results.count(
                [configured("//a:a_test"), summary("//a:a_test", "PASSED")], 1),
            (1, ["bazel itself (exit code 1)"]))

    def test_a_pattern_that_names_nothing_failed(self):
        self.assertEqual(test_results.count(
            [{"id": {"pattern": {"pattern": ["//gone:x"]}},
              "aborted": {"reason": "LOADING_FAILURE"}}], 1), (0, ["//gone:x"]))

    def test_a_build_is_one_pass_or_its_failures(self):
        build = [configured("//a:a_test"), configured("//a:a", "cc_library rule")]
        self.assertEqual(
            test_results.count(build + [completed("//a:a", True)], 0), (1, []))
        self.assertEqual(
            test_results.count([configured("//a:a", "cc_library rule"),
                                completed("//a:a", False)], 1), (0, ["//a:a"]))


if __name__ == "__main__":
    unittest.main()
