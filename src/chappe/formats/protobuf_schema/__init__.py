"""The schema language Protobuf: proto2, proto3 and editions."""
