"""The messages and fields of ONNX files, as their wire format has them.

Source: onnx.proto of onnx 1.23. Fields of later versions are unknown ones here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from modlint_plugins.readers.onnx.wire import BYTES, FIXED32, FIXED64, VARINT

NEWEST_IR = 14
"""The newest ir_version whose fields the table holds."""

_WIRES = {"v": VARINT, "f": FIXED32, "d": FIXED64, "s": BYTES}
_TABLE = {  # name=number, * where it is repeated or | where one excludes others, then its type
    "AttributeProto": (
        "name=1:s f=2:f i=3:v s=4:s t=5:TensorProto g=6:GraphProto floats=7*:f ints=8*:v "
        "strings=9*:s tensors=10*:TensorProto graphs=11*:GraphProto doc_string=13:s "
        "tp=14:TypeProto type_protos=15*:TypeProto type=20:v ref_attr_name=21:s "
        "sparse_tensor=22:SparseTensorProto sparse_tensors=23*:SparseTensorProto"
    ),
    "DeviceConfigurationProto": "name=1:s num_devices=2:v device=3*:s",
    "FunctionProto": (
        "name=1:s input=4*:s output=5*:s attribute=6*:s node=7*:NodeProto doc_string=8:s "
        "opset_import=9*:OperatorSetIdProto domain=10:s attribute_proto=11*:AttributeProto "
        "value_info=12*:ValueInfoProto overload=13:s metadata_props=14*:StringStringEntryProto"
    ),
    "GraphProto": (
        "node=1*:NodeProto name=2:s initializer=5*:TensorProto doc_string=10:s "
        "input=11*:ValueInfoProto output=12*:ValueInfoProto value_info=13*:ValueInfoProto "
        "quantization_annotation=14*:TensorAnnotation sparse_initializer=15*:SparseTensorProto "
        "metadata_props=16*:StringStringEntryProto"
    ),
    "IntIntListEntryProto": "key=1:v value=2*:v",
    "ModelProto": (
        "ir_version=1:v producer_name=2:s producer_version=3:s domain=4:s model_version=5:v "
        "doc_string=6:s graph=7:GraphProto opset_import=8*:OperatorSetIdProto "
        "metadata_props=14*:StringStringEntryProto training_info=20*:TrainingInfoProto "
        "functions=25*:FunctionProto configuration=26*:DeviceConfigurationProto"
    ),
    "NodeDeviceConfigurationProto": (
        "configuration_id=1:s sharding_spec=2*:ShardingSpecProto pipeline_stage=3:v"
    ),
    "NodeProto": (
        "input=1*:s output=2*:s name=3:s op_type=4:s attribute=5*:AttributeProto doc_string=6:s "
        "domain=7:s overload=8:s metadata_props=9*:StringStringEntryProto "
        "device_configurations=10*:NodeDeviceConfigurationProto"
    ),
    "OperatorSetIdProto": "domain=1:s version=2:v",
    "ShardedDimProto": "axis=1:v simple_sharding=2*:SimpleShardedDimProto",
    "ShardingSpecProto": (
        "tensor_name=1:s device=2*:v index_to_device_group_map=3*:IntIntListEntryProto "
        "sharded_dim=4*:ShardedDimProto"
    ),
    "SimpleShardedDimProto": "dim_value=1|:v dim_param=2|:s num_shards=3:v",
    "SparseTensorProto": "values=1:TensorProto indices=2:TensorProto dims=3*:v",
    "StringStringEntryProto": "key=1:s value=2:s",
    "TensorAnnotation": "tensor_name=1:s quant_parameter_tensor_names=2*:StringStringEntryProto",
    "TensorProto": (
        "dims=1*:v data_type=2:v segment=3:TensorProto.Segment float_data=4*:f int32_data=5*:v "
        "string_data=6*:s int64_data=7*:v name=8:s raw_data=9:s double_data=10*:d "
        "uint64_data=11*:v doc_string=12:s external_data=13*:StringStringEntryProto "
        "data_location=14:v metadata_props=16*:StringStringEntryProto"
    ),
    "TensorProto.Segment": "begin=1:v end=2:v",
    "TensorShapeProto": "dim=1*:TensorShapeProto.Dimension",
    "TensorShapeProto.Dimension": "dim_value=1|:v dim_param=2|:s denotation=3:s",
    "TrainingInfoProto": (
        "initialization=1:GraphProto algorithm=2:GraphProto "
        "initialization_binding=3*:StringStringEntryProto "
        "update_binding=4*:StringStringEntryProto"
    ),
    "TypeProto": (
        "tensor_type=1|:TypeProto.Tensor sequence_type=4|:TypeProto.Sequence "
        "map_type=5|:TypeProto.Map denotation=6:s opaque_type=7|:TypeProto.Opaque "
        "sparse_tensor_type=8|:TypeProto.SparseTensor optional_type=9|:TypeProto.Optional"
    ),
    "TypeProto.Map": "key_type=1:v value_type=2:TypeProto",
    "TypeProto.Opaque": "domain=1:s name=2:s",
    "TypeProto.Optional": "elem_type=1:TypeProto",
    "TypeProto.Sequence": "elem_type=1:TypeProto",
    "TypeProto.SparseTensor": "elem_type=1:v shape=2:TensorShapeProto",
    "TypeProto.Tensor": "elem_type=1:v shape=2:TensorShapeProto",
    "ValueInfoProto": (
        "name=1:s type=2:TypeProto doc_string=3:s metadata_props=4*:StringStringEntryProto"
    ),
}


class Spec(NamedTuple):
    """A field of a message.

    Attributes:
        name: its name.
        wire: wire type of one value.
        repeated: whether it may be given more than once.
        group: what may be given once: its number, 0 for the fields that exclude one another.
        message: the message that it holds, "" for a scalar, a text or bytes.
    """

    name: str
    wire: int
    repeated: bool
    group: int
    message: str

    def takes(self, wire: int) -> bool:
        """Whether a wire type is that of the field; numbers that repeat may be packed."""
        return wire == self.wire or (self.repeated and wire == BYTES)


def _spec(text: str) -> tuple[int, Spec]:
    name, _, rest = text.partition("=")
    place, _, kind = rest.partition(":")
    number = int(place.rstrip("*|"))
    wire, message = (_WIRES[kind], "") if kind in _WIRES else (BYTES, kind)
    group = 0 if place.endswith("|") else number
    return number, Spec(name, wire, place.endswith("*"), group, message)


SCHEMA: Mapping[str, Mapping[int, Spec]] = {
    message: dict(map(_spec, fields.split())) for message, fields in _TABLE.items()
}
"""By message, its fields by number."""
