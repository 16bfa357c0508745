"""The types that every Protobuf schema may import without a reference.

Those of Google come with the packages protobuf, grpcio-tools and googleapis-common-protos. Those that
Kafka's schema registries know beside them are written here, from their published fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GOOGLE: Final = frozenset(
    f"google/{name}.proto"
    for name in (
        "protobuf/any",
        "protobuf/api",
        "protobuf/cpp_features",
        "protobuf/descriptor",
        "protobuf/duration",
        "protobuf/empty",
        "protobuf/field_mask",
        "protobuf/go_features",
        "protobuf/java_features",
        "protobuf/source_context",
        "protobuf/struct",
        "protobuf/timestamp",
        "protobuf/type",
        "protobuf/wrappers",
        "type/calendar_period",
        "type/color",
        "type/date",
        "type/datetime",
        "type/dayofweek",
        "type/decimal",
        "type/expr",
        "type/fraction",
        "type/interval",
        "type/latlng",
        "type/localized_text",
        "type/money",
        "type/month",
        "type/phone_number",
        "type/postal_address",
        "type/quaternion",
        "type/timeofday",
    )
)

_META = """syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
option java_package = "io.confluent.protobuf";
option java_outer_classname = "MetaProto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
  repeated Rule rules = 4;
}
message Rule {
  string name = 1;
  string doc = 2;
  string expr = 3;
  string sql = 4;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"""

_DECIMAL = """syntax = "proto3";
package confluent.type;
option java_package = "io.confluent.protobuf.type";
option java_outer_classname = "DecimalProto";
option java_multiple_files = true;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
"""

_VARIANT = """syntax = "proto3";
package confluent.type;
option java_package = "io.confluent.protobuf.type";
option java_outer_classname = "VariantProto";
option java_multiple_files = true;
message Variant {
  bytes metadata = 1;
  bytes value = 2;
}
"""

TEXTS: Final[Mapping[str, str]] = {
    "confluent/meta.proto": _META,
    "confluent/type/decimal.proto": _DECIMAL,
    "confluent/type/variant.proto": _VARIANT,
}

NAMES: Final = GOOGLE | TEXTS.keys()
