"""Builds of the simulation in which one line of the product is broken."""

def mutant(name, file, before, after, promises, deps, seeds = 100, focus = "all"):
    """A test that the simulation notices a broken line.

    The patched source is linked before the libraries, so that it takes the
    place of what it was made from; nothing of the product knows of this.

    Args:
      name: of the mutant.
      file: label of the source.
      before: what stands there, exactly once. Several: lists of equal length.
      after: what stands there instead.
      promises: those that may be seen broken, any of them.
      deps: what the source includes.
      seeds: in how many runs it must be noticed.
      focus: what these have much of; see setup.h.
    """
    befores = before if type(before) == "list" else [before]
    afters = after if type(after) == "list" else [after]
    if len(befores) != len(afters):
        fail("mutant %s: as many of each" % name)
    source = name + ".cc"
    arguments = []
    for i in range(len(befores)):
        for text in [befores[i], afters[i]]:
            arguments.append("'" + text.replace("'", "'\\''").replace("$", "$$") + "'")
    native.genrule(
        name = name + "_source",
        testonly = True,
        srcs = [file],
        outs = [source],
        cmd = "$(location :patch_source) $< $@ " + " ".join(arguments),
        tools = [":patch_source"],
    )
    native.cc_test(
        name = name + "_test",
        size = "large",
        srcs = [
            "mutant_test.cc",
            source,
        ],
        args = [
            "--seeds=%d" % seeds,
            "--promises=" + ",".join([str(promise) for promise in promises]),
            "--focus=" + focus,
        ],
        deps = deps,
    )
