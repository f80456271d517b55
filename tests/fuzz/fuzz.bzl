"""Fuzz targets: docs/testing.md."""

def fuzz_target(name, deps):
    """A property that inputs are to keep, and what tries it.

    NAME_properties.cc defines BrokenProperty() (property.h), and corpus/NAME
    has inputs. Makes NAME_fuzzer, which is built and run by hand and by
    tools/fuzz, and NAME_corpus_test, which every test run runs.
    """
    native.cc_library(
        name = name + "_properties",
        testonly = True,
        srcs = [name + "_properties.cc"],
        deps = [":property"] + deps,
        # Nothing but a fuzzer or a test refers to it.
        alwayslink = True,
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzzer",
            "manual",
        ],
        deps = [
            ":" + name + "_properties",
            ":fuzzer",
        ],
    )
    native.cc_test(
        name = name + "_corpus_test",
        size = "small",
        args = ["tests/fuzz/corpus/" + name],
        data = native.glob(["corpus/" + name + "/*"]),
        linkstatic = True,
        deps = [
            ":" + name + "_properties",
            ":corpus_test",
        ],
    )
