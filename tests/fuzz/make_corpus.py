#!/usr/bin/env python3
"""Makes the seeds of tests/fuzz/corpus: records of every kind in both forms, and the odd corners
of CBOR and JSON that a fuzzer takes long to find by itself. Needs no library."""
import json
import pathlib
import sqlite3
import struct
import tempfile
import zlib

HERE = pathlib.Path(__file__).parent / "corpus"


class Raw(bytes):
    """Bytes that are CBOR already."""


def head(major, n):
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 24:
            return bytes([major << 5 | n])
        if n < 1 << 8 * size:
            return bytes([major << 5 | info]) + n.to_bytes(size, "big")
    raise ValueError(n)


def cbor(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def typed(tag, form, values):
    return Raw(head(6, tag) + cbor(struct.pack(form % len(values), *values)))


NAN, INF = float("nan"), float("inf")
BASE = {"v": 1, "run": "r1", "attempt": "a1", "seq": 7, "rank": 1, "time": 1709251200123}
COLUMNS = ("grad_norm weight_norm update_norm activation_mean activation_std activation_abs_max "
           "zero_fraction saturated_fraction saturated_units_fraction dead_fraction "
           "nonfinite").split()
RECORDS = {
    "header": {**BASE, "kind": "header", "step": 0, "name": "n", "project": "p", "group": "g",
               "user": "u", "host": "h", "pid": 1, "framework": "f", "world_size": 2,
               "objective": "supervised",
               "hyperparameters": {"optimizer": "adam", "learning_rate": 1e-3, "nesterov": True,
                                   "betas": [0.9, 0.99], "clip": None, "max_grad_norm": INF},
               "dataset": {"name": "d", "samples": 10, "eval_samples": 5, "classes": 2},
               "resumed_from": {"attempt": "a0", "step": 5},
               "layers": [{"name": "fc", "kind": "linear", "activation": "relu", "units": 3,
                           "fan_in": 4, "parameters": 15}, {"name": "out"}]},
    "step": {**BASE, "kind": "step", "step": 10, "epoch": 0.5, "loss": NAN,
             "loss_averaged_over": 10, "learning_rate": 1e-3, "grad_norm": INF,
             "grad_norm_kind": "pre_clip", "update_norm": -INF, "weight_norm": -0.0,
             "loss_scale": 65536.0, "overflow": True, "skipped_steps": 1, "samples": 320,
             "step_seconds": 5e-324, "dropped_records": 3},
    "layers": {**BASE, "kind": "layers", "step": 10, "header_hash": 0xAF63BD4C8601B7DF,
               "layers": {name: [0.5, NAN, 1e30] for name in COLUMNS}},
    "eval": {**BASE, "kind": "eval", "step": 10, "eval_loss": 0.25, "eval_samples": 360,
             "train_loss": 0.2, "eval_accuracy": 0.9, "eval_f1": 0.8, "eval_note": "good"},
    "event": {**BASE, "kind": "event", "step": 10, "event": "lr_change", "learning_rate": 1e-4},
    "end": {**BASE, "kind": "end", "status": "failed"},
    "plain": {"run": "r1", "step": 10, "loss": 0.5, "grad_norm": 1.2, "learning_rate": 1e-3},
    "limits": {"run": "r" * 127, "seq": 2**63 - 1, "time": -2**63, "step": 2**53, "rank": 2**32 - 1,
               "loss": 1.7976931348623157e308, "epoch": 2**64 - 1},
    "newer": {"v": 2, "run": "r1", "step": 1},
    "unknown": {"run": "r1", "step": 1, "x": {"y": [1, {"z": None}]}, "eval_x": [1]},
}
STEP = cbor(RECORDS["step"])
CBOR = {
    "two": STEP + cbor(RECORDS["eval"]), "torn": STEP + STEP[:-3], "noise": b"\0\xa1av" + STEP,
    "indefinite": b"\xbf\x63run\x7f\x61r\x611\xff\x64step\xf9\x49\x00\x61x\x9f\x01\xff\xff",
    "pieces": b"\xa3\x63run\x62r1\x64step\x01\x61x\x5f\x41a\x41b\xff",
    "half": b"\xa3\x63run\x62r1\x64step\x01\x64loss\xf9\x7e\x00",
    "tagged": b"\xa3\x63run\x62r1\x64step\xc1\x01\x64loss\xd9\xd9\xf7\xfa\x47\xc3\x50\x00",
    "claims": b"\xa3\x63run\x62r1\x66layers\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "deep": b"\xa3\x63run\x62r1\x64step\x01" + b"\x61x\xa1" * 15 + b"\x61x\x01",
    "too_deep": b"\xa3\x63run\x62r1\x64step\x01" + b"\x81" * 40,
    "zero_in_key": b"\xa3\x63run\x62r1\x66step\0\0\x01\x64step\x01",
    "odd_keys": b"\xa4\x63run\x62r1\x64step\x01\x05\x01\xf6\x02",
    **{"floats_%d" % tag: cbor({"run": "r1", "step": 1, "layers": {
        "grad_norm": typed(tag, form, [1.0, NAN, -INF]), "other": typed(64, "%dB", [1, 2])}})
       for tag, form in ((81, ">%df"), (82, ">%dd"), (85, "<%df"), (86, "<%dd"))},
}
JSON = {
    "two": '{"run":"r1","step":1}\n\n {"run":"r1","step":2}\r\n',
    "words": '{"run":"nan","step":1,"loss":NaN,"grad_norm":-Infinity,"epoch":inf,"x":[-nan,INF]}',
    "spelled": '{"run":"r1","step":1,"loss":"-Infinity","epoch":"NaN","layers":{"nonfinite":'
               '[null,"inf",1e300,0.1]}}',
    "long": '{"run":"r1","step":1,"seed":18446744073709551615,"x":-9223372036854775809}',
    "escapes": '{"run":"\\u00e9\\ud83d\\ude00\\"\\\\","step":1.0,"event":"\\u001f"}',
    "deep": '{"run":"r1","step":1,"x":' + "[" * 15 + "]" * 15 + "}",
    "too_deep": "[" * 200, "open": '{"run":"r1', "minus": '{"run":"r1","step":1,"loss":-}',
}

# Logs of other programs, by format: tests/fuzz/fuzz_log.c. The first byte tells the portions.
LOGS = {
    "key_values": {
        "plain": b"step=1 loss=2.5 lr=1e-3\nstep=2 loss=nan, lr=1e-3\n",
        "odd": b"=1 a= b==2 c=3=4 \x1b[31md=5\x1b[0m\re=6\b7\r\n\xff\xfee=1",
        "late": b"".join(b"step=%d loss=1\n" % i for i in range(1, 140)) + b"step=140 loss=1 lr=2 box_loss=3 "
                b"val_loss=4 val_acc=5 train_loss_epoch=6 gnorm=7 epoch=1 number_of_nan_iterations=2\n",
        "parts": b"step=1 box_loss=1 cls_loss=2 val_box_loss=3 val_cls_loss=4 test_box_loss=5\n"
                 b"step=2 box_loss=1 cls_loss=2 part1=7 no=3\n",
        "resumed": b"".join(b"step=%d loss=1\n" % i for i in [*range(1, 40), *range(10, 40), 5, 3, 3]),
        "epochs": b"epoch=0.5 loss=1\nepoch=1.5 loss=inf val_loss=-inf\nepoch=1 loss=1e999\n",
    },
    "csv": {
        "plain": b"step,loss,lr\n1,0.5,1e-3\n2,nan,NA\n3,,0.1\n",
        "quotes": b'"step","a ""b""","c,d"\n1,"[1, 2]",0.5\n2,"[[1 2]\n [3 4]]",3\n3,"4,5\n6,7,8\n',
        "decimal": b"step;loss\n1;0,5\n2;1.234,5\n", "tabs": b"step\tloss\n1\t0.5\r\n",
        "blanks": b"# a sentence, and more\n#  step   loss\n  1   0.5\n",
        "again": b"step,loss\n1,2\nstep,loss\n1,2\nstep,lr,loss\n1,2,3,4\n",
        "parts": b"time,phase,epoch,loss\n2026-01-02 03:04:05,test,1,True\n2026-01-02,val,x,2\n",
        "damage": b"step,loss\n1,2\n\0\0\0,\xff\n1x,3\n<<<\n1\n",
    },
    "algoperf": {
        "nan": b"global_step,grad_norm,loss,train/loss,validation/loss,score,"
               b"accumulated_submission_time\n0,1,2,,,,\n1,,,,,,\n2,,,,,3,4\n",
    },
    "deepmd": {
        "plain": b"#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn         lr\n"
                 b"# If there is no available reference data, rmse_*_{val,trn} will print nan\n"
                 b"      0      2.1e+01    1.9e+01      2.0e+00    1.1e+00    1.0e-03\n"
                 b"    100      nan        1.5e+01      1.0e+00    nan        9.0e-04\n",
        "no_validation": b"#  step  rmse_trn lr\n 0 2.0 1e-3\n\n 100 1.0 9e-4 7\n 200 x 1e-4\n",
        "tasks": b"# batch l2_tst_a l2_trn_a l2_tst_b l2_trn_b lr\n 0 1 2 3 4 1e-3\n",
    },
    "keras_csv": {
        "plain": b"epoch,accuracy,loss,lr,val_accuracy,val_loss\n0,0.5,2,1e-3,NA,NA\n1,0.6,nan,1e-3,0.5,1\n",
        "again": b"epoch,loss\n0,2\n1,1\nepoch,loss,val_loss\n0,3,4\n",
        "semicolons": b'epoch;loss;confusion\n0;2;"[1, 2]"\n1;inf;"[[1 2]\n [3 4]]"\n',
    },
    "ultralytics": {
        "version_8": b"                  epoch,             time,   train/box_loss,  metrics/mAP50(B),"
                     b"  val/box_loss,   lr/pg0\n  1,  6.5,  1.2,  0.5, nan, 1e-3\n  2, 9, 1, 0.6, 1, 1e-3\n",
        "version_5": b"  epoch,  train/box_loss, train/obj_loss, metrics/precision, val/box_loss, x/lr0\n"
                     b"  0, 0.1, 0.2, 0.3, 0.1, 0.01\n",
        "classification": b"epoch,time,train/loss,metrics/accuracy_top1,val/loss,lr/pg0\n1,2,3,4,5,6\n",
    },
    "mlflow": {
        "store": b"=== 0/meta.yaml\nartifact_location: x\nexperiment_id: '0'\n"
                 b"=== 0/r1/meta.yaml\nrun_id: r1\nstatus: 3\nlifecycle_stage: active\n"
                 b"=== 0/r1/params/lr\n0.25\n=== 0/r1/params/opt/name\nadam\n"
                 b"=== 0/r1/tags/mlflow.runName\nr\n"
                 b"=== 0/r1/metrics/train/loss\n1700000000000 2.5 0\n1700000000001 nan 1\n"
                 b"=== 0/r1/metrics/lr\n1700000000000 0.5 0\n1700000000001 0.5 1\n"
                 b"=== 0/r2/meta.yaml\nrun_uuid: r2\nstatus: FAILED\nlifecycle_stage: deleted\n",
        "run": b"=== meta.yaml\nrun_id: r1\nstatus: 1\n=== metrics/loss\n5 1\n6 inf 2 0 x y\nx\n7 1"
               b"\n=== metrics/0/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h\n1 2 3\n",
        "long_line": b"=== meta.yaml\nrun_id: r1\nstatus: KILLED\n=== metrics/loss\n1 2 3\r\n"
                     + b"9" * 9000 + b"\n2 3 4\n=== params/x\n" + b"y" * 1100,
        "model": b"=== models/m/meta.yaml\nmodel_id: m\n=== 1/meta.yaml\n- [a\n=== meta.yaml\na: b\n",
    },
    "deepspeed_csv": {"plain": b"step,train_loss\n8,2.5\n16,2.25\nstep,train_loss\n8,1\n"},
    "lightning": {"plain": b"epoch,lr-Adam,step,train_loss_step,val_loss\n,0.1,0,,\n0,,49,2,\n"},
    "json_lines": {
        "plain": b'{"step":1,"loss":0.5,"a":{"b":{"c":"2"}},"x":[1,{"y":2}]}\n{"step":2,"loss":NaN}\n',
        "parts": b'{"mode":"test","loss":"inf","t":"2026-01-02T03:04:05Z"}\n{"config":{"lr":1}}\n',
        "requests": b'[{"metric":"a","variant":"b","iter":1,"timestamp":17,"value":2},3,{"iter":"x"}]\n',
        "escapes": b'{"a\\u0000b":1,"c\\n":"\\ud83d","":{"":1}}\n{"a":1,"a":2}\n',
    },
    "json_document": {
        "history": b'{"loss":[2,NaN,null],"val_loss":[1,"inf"],"params":{"epochs":3}}',
        "pandas": b'{"loss":{"0":2,"1":1},"x":{"0":{},"1":[]}}', "array": b'[{"epoch":1,"loss":2},3]',
        "half": b'[{"epoch":1,"s":"]}\\"{"},{"epoch":2,"lo',
    },
    "huggingface_state": {
        "state": b'{"global_step":2,"log_history":[{"loss":1,"step":1,"epoch":0.5},{"eval_loss":NaN,'
                 b'"step":1},7,{"train_runtime":1,"train_loss":2,"step":2}],"max_steps":-1,'
                 b'"trial_params":{"lr":[1]},"num_train_epochs":9223372036854775807}',
        "half": b'{"global_step":2,"log_history":[{"loss":1,"step":1},{"loss":',
    },
    "text": {
        "imagenet": b"Epoch: [3][ 120/500]\tLoss 2.3e+00 (2.5e+00)\nTest: [ 10/196]\tLoss 1 (2)\n",
        "megatron": b" iteration 10/ 100 | consumed samples: 64 | lm loss: 1.06E+01 | grad norm: 4 |\n"
                    b" validation loss at iteration 20 | lm loss value: 2.1E+00 |\n",
        "keras": b"Epoch 1/2\n 1/63 [....] - ETA: 5s - loss: 1.6\r63/63 [====] - 0s 4us/step - loss: 1\n",
        "huggingface": b" 10%|#  | 10/100 [00:01<00:09, 9it/s]\n{'loss': '2.1', 'epoch': nan}\n",
        "half_a_bar": b" 10%|# [00:01<00:09, 9it/s]\n{'loss': '2.0', 'epoch': nan}\n",
        "fairseq": b'2026-01-02 03:04:05 | INFO | valid | {"epoch": 1, "a": [{"b": 1}], "loss": "3"}\n',
        "llmc": b"step 1/10 | loss 11.0 (+nanz)| norm 15.3 (+nanz)| lr 1e-06 |\ns:1 trl:1 lr:2 norm:3\n",
        "caffe": b"I0102 03:04:05.678901 12 solver.cpp:218] Iteration 5, loss = 87.3\n"
                 b"I0102 03:04:05.678901 12 solver.cpp:218]  Test net output #0: a = 1\n",
        "caffe_all": b"".join(b"I0102 03:04:05.678901    12 solver.cpp:218] " + line + b"\n" for line in (
            b"Iteration 0, lr = 0.01", b"Iteration 5 (2 iter/s, 3s/5 iters), loss = nan",
            b"    Train net output #0: loss = 2 (* 1 = 2 loss)", b"    Test net output #1: loss = x",
            b"Iteration x", b"Iteration 7, Testing net (#0)", b"Snapshotting", b"Optimization Done.")),
        "ends": b"Epoch 1/2\nBatch 12: Invalid loss, terminating training\nCUDA out of memory\n"
                b"step 1 loss 2\nslurmstepd: JOB 1 CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT\n"
                b"step 2 loss 1\nTraining completed\nSegmentation fault (core dumped)\n",
        "utf16": "step 1 loss 2\r\nstep 2 loss \U0001f600 1\n\u0416 \u4e2d\n".encode("utf-16"),
        "utf16_big": b"\xfe\xff" + "step 1 loss 2\n".encode("utf-16-be") + b"\xd8\x00\x00a\xdc\x00\x00",
        "controls": b"\xef\xbb\xbfstep 1 loss 2\rstep 2 \x1b[1;31mloss\x1b[0m 1\x1b]0;t\x07\nloss 33\b\b 1\n\x1b[",
        "mapped": b"Epoch 1 step 1 | wibble: 3 | sat acc: 0.5\nEpoch 1 step 2 | my wibble: 2 | tick: 7\n",
        "losses": b"step 1 box_loss 1 cls_loss 2 val_box_loss 3 test_cls_loss 4\n"
                  b"step 2 train_loss 3 loss_avg 4 ctc_loss 5 lr 1 gnorm 2 loss scale 3 test loss 2\n"
                  b"step 3 G loss 1 D loss 2 policy_loss 3 reward 4 contrastive_loss 5\n",
        "deepspeed": b"[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536\n"
                     b"[Rank 0] step=10, skipped=3, lr=[0.001, 0.002], mom=[[0.9]]\n",
        "nanogpt": b"step 250: train loss 2.3, val loss nan\niter 260: loss 2.3, time 8ms\n",
        "settings": b"Namespace(lr=20, b=(0.9, 1), m='a')\npython t.py --lr=1 --x\n beta ...... 0.9\n",
        "end": b"loss: tensor(0.5) D(x): 1,234\nTraceback (most recent call last):\nKeyboardInterrupt",
    },
}


def field(number, value):
    """A protobuf field: int (varint), float (double), bytes; ("f", x) is a float of 4 bytes."""
    def varint(n):
        return bytes([n]) if n < 0x80 else bytes([n & 0x7f | 0x80]) + varint(n >> 7)
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, tuple):
        return varint(number << 3 | 5) + struct.pack("<f", value[1])
    return varint(number << 3 | 2) + varint(len(value)) + value


def masked_crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def tf_record(data):
    length = struct.pack("<Q", len(data))
    return (length + struct.pack("<I", masked_crc32c(length)) + data
            + struct.pack("<I", masked_crc32c(data)))


def event(step, *rest):
    return tf_record(field(1, 1.7e9) + field(2, step) + b"".join(rest))


def value(tag, *rest):
    return field(5, field(1, field(1, tag) + b"".join(rest)))


def plugin(name, content=b""):
    return field(9, field(1, field(1, name) + field(2, content)))


VERSION = tf_record(field(1, 1.7e9) + field(3, b"brain.Event:2"))
SCALARS = VERSION + event(1, value(b"loss", field(2, ("f", 0.5)))) + event(
    2, value(b"loss", field(2, ("f", NAN))))
HISTOGRAM = b"".join(field(i + 1, x) for i, x in enumerate((-3.0, 1.0, 4.0, -2.0, 10.0))) + field(
    6, struct.pack("<3d", -2, 1e-12, 2)) + field(7, struct.pack("<3d", 1, 2, 1))
TENSORBOARD = {
    "scalars": SCALARS, "torn": SCALARS[:-7], "monstrous": struct.pack("<Q", 1 << 40) + struct.pack("<I", masked_crc32c(struct.pack("<Q", 1 << 40))),
    "bad_checksum": SCALARS[:-1] + b"x" + SCALARS,
    "tensor": VERSION + event(1, value(
        b"t", field(8, field(1, 19) + field(2, b"") + field(13, b"\x80\x82\x01")),
        plugin(b"scalars"))),
    "histogram": VERSION + event(1, value(b"w", field(5, HISTOGRAM))),
    "histogram_tensor": VERSION + event(1, value(
        b"w", field(8, field(1, 2) + field(2, field(2, field(1, 1)) + field(2, field(1, 3)))
                    + field(4, struct.pack("<3d", -4, 2, 5))), plugin(b"histograms"))),
    "text": VERSION + event(0, value(
        b"args/text_summary", field(8, field(1, 7) + field(8, b'{"lr": 0.1, "x": {"y": NaN}}')),
        plugin(b"text"))),
    "table": VERSION + event(0, value(
        b"h", field(8, field(1, 7) + field(8, b"|param|value|\n|-|-|\n|lr|1|\n")), plugin(b"text"))),
    "hparams": VERSION + event(0, value(b"_hparams_/session_start_info", plugin(
        b"hparams", field(3, field(1, field(1, b"lr") + field(2, field(2, 0.1))))
        + field(4, field(1, 1) + field(2, 1.7e9))))),
    "no_tag": VERSION + event(1, field(5, field(1, field(2, ("f", 1.0))))),
    "types": VERSION + b"".join(event(number, value(
        b"t%d" % number, field(8, field(1, number) + field(2, b"") + field(own, number)),
        plugin(b"scalars")), value(
            b"c%d" % number, field(8, field(1, number) + field(2, b"") + field(4, b"\x80\x01\x82\3\4\5\6\7"[:size])),
            plugin(b"scalars"))) for number, own, size in (
                (2, 6, 8), (3, 7, 4), (4, 7, 1), (5, 7, 2), (6, 7, 1), (9, 10, 8), (10, 11, 1), (14, 13, 2),
                (17, 7, 2), (19, 13, 2), (22, 16, 4), (23, 17, 8), (7, 8, 3))),
    "floats": VERSION + event(1, value(b"d", field(8, field(1, 2) + field(6, 0.5)), plugin(b"scalars")),
                              value(b"f", field(8, field(1, 1) + field(5, ("f", 0.5))), plugin(b"scalars")),
                              value(b"h", field(8, field(1, 19) + field(13, 1)), plugin(b"scalars")),
                              value(b"i", field(8, field(1, 19) + field(13, 0x7c00)), plugin(b"scalars")),
                              value(b"n", field(8, field(1, 19) + field(13, 0xfe01)), plugin(b"scalars"))),
    "session": VERSION + event(5, field(7, field(1, 1))),
}


def wandb_file(*records):
    data = b":W&B\xe1\xbe\0"
    for record in records:
        data += struct.pack("<IHB", zlib.crc32(b"\1" + record), len(record), 1) + record
    return data


def items(number, **values):
    return b"".join(field(number, field(2, key.encode()) + field(16, json.dumps(x).encode()))
                    for key, x in values.items())


HISTORY = field(2, items(1, loss=0.5, bad=NAN, a={"b": [1, {"c": INF}]}, _step=1, _timestamp=1.7e9))
WANDB = {
    "run": wandb_file(field(17, field(4, items(1, lr=0.1)) + field(14, 3) + field(18, 1)), HISTORY,
                      field(18, field(1, 1))),
    "histogram": wandb_file(field(2, items(1, w={"_type": "histogram", "bins": [-3, 2]}) + field(
        1, field(2, b"v") + field(2, b"_type") + field(16, b'"histogram"')))),
    "fragments": wandb_file(HISTORY) + struct.pack("<IHB", zlib.crc32(b"\2x"), 1, 2) + b"x"
    + struct.pack("<IHB", zlib.crc32(b"\4y"), 1, 4) + b"y",
    "empty_fragment": wandb_file() + struct.pack("<IHB", zlib.crc32(b"\2"), 0, 2),
    "torn": wandb_file(HISTORY)[:-2], "bad_checksum": wandb_file(HISTORY)[:-1] + b"x" * 40000,
}


def mlflow_database():
    """The tables that are read, as MLflow has them."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(f"{folder}/db")
        database.executescript("""
            PRAGMA page_size = 512;
            CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY);
            CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250),
                status VARCHAR(9), lifecycle_stage VARCHAR(20), experiment_id INTEGER);
            CREATE TABLE params (key, value, run_uuid);
            CREATE TABLE tags (key, value, run_uuid);
            CREATE TABLE metrics (key, value FLOAT, timestamp BIGINT, run_uuid, step BIGINT, is_nan);
            INSERT INTO runs VALUES ('a', 'n', 'FINISHED', 'active', 7), ('b', 'n', 'KILLED',
                'active', 7), ('c', 'n', 'RUNNING', 'active', 7), ('d', '', '', 'deleted', 7);
            INSERT INTO params VALUES ('lr', '0.25', 'a'), ('opt/name', 'adam', 'b'), ('x', '', 'd');
            INSERT INTO tags VALUES ('mlflow.runName', 'r', 'a'), ('', x'ff00', 'a');
            INSERT INTO metrics VALUES ('loss', 2.5, 5, 'a', 0, 0), ('lr', 0.5, 5, 'a', 0, 0),
                ('loss', 0, 6, 'a', 1, 1), ('loss', 1.7976931348623157e308, 7, 'b', 1, 0),
                (NULL, 'x', 'y', 'b', -1, NULL), ('loss', 1, 0, 'c', 3, 0), ('loss', 1, 0, 'd', 3, 0);
        """)
        database.close()
        return pathlib.Path(folder, "db").read_bytes()


def main():
    database = mlflow_database()
    LOGS["mlflow_sqlite"] = {"database": database, "torn": database[:-700],
                             "other": database.replace(b"metrics", b"metrisc")}
    for name, record in RECORDS.items():
        CBOR[name] = cbor(record)
        JSON[name] = json.dumps(record)
    for form, seeds in (("cbor", CBOR), ("json", JSON), ("tensorboard", TENSORBOARD),
                        ("wandb", WANDB)):
        (HERE / form).mkdir(parents=True, exist_ok=True)
        for name, seed in seeds.items():
            data = seed if isinstance(seed, bytes) else seed.encode()
            (HERE / form / name).write_bytes(data)
    for form, seeds in LOGS.items():
        folder = HERE / f"log_{form}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
