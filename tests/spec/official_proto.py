"""The official Protobuf definition of CloudEvents (cloudevents/formats/cloudevents.proto), rewritten here.

protoc makes the classes CloudEvent and CloudEventBatch of it: the witness of our own codec.
"""

from __future__ import annotations

import importlib.resources
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = """
syntax = "proto3";
package io.cloudevents.v1;
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";

message CloudEvent {
  string id = 1;
  string source = 2;
  string spec_version = 3;
  string type = 4;
  map<string, CloudEventAttributeValue> attributes = 5;
  oneof data {
    bytes binary_data = 6;
    string text_data = 7;
    google.protobuf.Any proto_data = 8;
  }
  message CloudEventAttributeValue {
    oneof attr {
      bool ce_boolean = 1;
      int32 ce_integer = 2;
      string ce_string = 3;
      bytes ce_bytes = 4;
      string ce_uri = 5;
      string ce_uri_ref = 6;
      google.protobuf.Timestamp ce_timestamp = 7;
    }
  }
}

message CloudEventBatch {
  repeated CloudEvent events = 1;
}
"""


@cache
def classes() -> tuple[Any, Any]:
    """CloudEvent and CloudEventBatch, as protoc and protobuf make them."""
    from grpc_tools import protoc  # type: ignore[import-untyped]  # it has no stubs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "witness.proto").write_text(PROTO)
        well_known = importlib.resources.files("grpc_tools") / "_proto"
        set_file = folder / "set.bin"
        arguments = [f"-I{folder}", f"-I{well_known}", "--include_imports"]
        made = protoc.main(["", *arguments, f"--descriptor_set_out={set_file}", "witness.proto"])
        assert made == 0
        files = descriptor_pb2.FileDescriptorSet.FromString(set_file.read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    names = ("io.cloudevents.v1.CloudEvent", "io.cloudevents.v1.CloudEventBatch")
    event, batch = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names
    )
    return event, batch
