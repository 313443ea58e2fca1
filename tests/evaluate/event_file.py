"""TensorBoard event files: the scalars of each step.

The messages are a small part of TensorBoard's event.proto, summary.proto and tensor.proto, with
the field numbers from there, so that this needs protobuf but not TensorBoard. The framing is
TFRecord's: length (u64), its checksum (u32), the message, its checksum (u32), little-endian.
"""

import struct

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
DT_FLOAT, DT_DOUBLE = 1, 2  # types.proto
MESSAGES = {
    "Event": [("step", 2, FIELD.TYPE_INT64), ("summary", 5, "Summary")],
    "Summary": [("value", 1, ["Value"])],
    "Value": [
        ("tag", 1, FIELD.TYPE_STRING),
        ("simple_value", 2, FIELD.TYPE_FLOAT),
        ("tensor", 8, "Tensor"),
    ],
    "Tensor": [
        ("dtype", 1, FIELD.TYPE_INT32),
        ("content", 4, FIELD.TYPE_BYTES),
        ("floats", 5, [FIELD.TYPE_FLOAT]),
        ("doubles", 6, [FIELD.TYPE_DOUBLE]),
    ],
}


def event_class():
    file = descriptor_pb2.FileDescriptorProto(
        name="event_file.proto", package="scalars", syntax="proto2"
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            repeated, kind = (True, kind[0]) if isinstance(kind, list) else (False, kind)
            message.field.add(
                name=field,
                number=number,
                label=FIELD.LABEL_REPEATED if repeated else FIELD.LABEL_OPTIONAL,
                type=FIELD.TYPE_MESSAGE if isinstance(kind, str) else kind,
                type_name=f".scalars.{kind}" if isinstance(kind, str) else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("scalars.Event"))


EVENT = event_class()


def scalar(value):
    """A value's number, or None: strings, histograms and pictures are not for us."""
    if value.HasField("simple_value"):
        return value.simple_value
    tensor = value.tensor
    for numbers in (tensor.floats, tensor.doubles):
        if len(numbers) == 1:
            return numbers[0]
    form = {DT_FLOAT: "<f", DT_DOUBLE: "<d"}.get(tensor.dtype)
    if form and len(tensor.content) == struct.calcsize(form):
        return struct.unpack(form, tensor.content)[0]
    return None


def scalars(path):
    """(step, tag, number) of each scalar, in the file's order. A torn last event ends it."""
    data, at = path.read_bytes(), 0
    while at + 12 <= len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        if at + 12 + length > len(data):
            return
        event = EVENT.FromString(data[at + 12 : at + 12 + length])
        at += 16 + length
        for value in event.summary.value:
            number = scalar(value)
            if number is not None:
                yield event.step, value.tag, number
