"""Checks of the whole tree, as tests."""

def parley_check(name, main, args = [], data = [], tags = [], **kwargs):
    """A test that reads the whole source tree.

    Such a test cannot say what it depends on, so it runs every time; it must be
    quick.

    Args:
      name: the test's name.
      main: the script.
      args: its arguments.
      data: what it needs besides the tree.
      tags: more tags.
      **kwargs: passed to py_test.
    """
    native.py_test(
        name = name,
        srcs = [main],
        main = main,
        args = args,
        data = data,
        tags = tags + ["external"],
        deps = [":checks"],
        **kwargs
    )
