"""C++ from protos with the system's protoc."""

def rehai_cc_proto(name, srcs, grpc = False, deps = [], visibility = None):
    """A cc_library of the messages, and of the services' stubs if grpc.

    Args:
      name: of the library.
      srcs: .proto files below this package, imported by their path from here.
      grpc: also generate and link the gRPC services.
      deps: other rehai_cc_proto libraries whose protos are imported.
      visibility: of the library.
    """
    outs = []
    for src in srcs:
        stem = src[:-len(".proto")]
        outs += [stem + ".pb.h", stem + ".pb.cc"]
        if grpc:
            outs += [stem + ".grpc.pb.h", stem + ".grpc.pb.cc"]
    grpc_args = ""
    if grpc:
        grpc_args = "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(RULEDIR)"
    native.genrule(
        name = name + "_generate",
        srcs = srcs + ["//proto:protos"],
        outs = outs,
        cmd = "/usr/bin/protoc -I proto --cpp_out=$(RULEDIR) %s %s" % (
            grpc_args,
            " ".join(["$(location %s)" % src for src in srcs]),
        ),
    )
    native.cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".cc")],
        hdrs = [out for out in outs if out.endswith(".h")],
        copts = ["-w"],
        includes = ["."],
        visibility = visibility,
        deps = deps + (["@system//:grpc"] if grpc else ["@system//:protobuf"]),
    )
