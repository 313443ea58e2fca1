#!/usr/bin/env python3
"""Makes more seeds of tests/fuzz/corpus, for the readers of logs: formats by the letter of their
writers, and folders of logs that are read while they change (the lines "@@@ ..." of
fuzz_log_tree.c). Needs no library."""
import gzip
import math
import pathlib
import sqlite3
import struct
import tempfile

from make_corpus import (HERE, HISTORY, NAN, SCALARS, TENSORBOARD, VERSION, WANDB, event, field,
                         items, plugin, tf_record, value, wandb_file)


def rows(n, form, start=1):
    """Lines of a loss that falls; `form` has {i}, {x} and perhaps {epoch}."""
    return "".join(form.format(i=i, x=round(.5 + 2 * math.exp(-i / 20), 6), epoch=i // 10)
                   for i in range(start, start + n)).encode()


# Numbers as they are spelt, for lines that differ in nothing else (text_layout.c): of other widths and
# signs, with an exponent, none, groups, a total, a unit, a mean behind them, what is no number, too many digits.
SPELLINGS = ("1 2.5 0 700 12345 1e3 1e-3 -3 -0.5 +7 .5 nan NaN -inf 1.#IND 1,234 50% 3/10 0.5(0.6) 1.2.3 12:30:01 5ms "
             "1e400 1e 007 --1 x 0.123456789012345678901 123456789012345678901234567890 1e16").split()


def spelt(form):
    """A line of the layout for each spelling, an ordinary one behind each, and last one that is cut."""
    lines = (form.format(i=i, x=x) + "\n" + form.format(i=i, x=i / 4) + "\n" for i, x in enumerate(SPELLINGS, 1))
    return form.format(i=0, x=.5).encode() + b"\n" + "".join(lines).encode() + form.format(i=99, x=1).encode()[:-3]


def bars(*states):
    """tqdm's, of (count, total, loss); a text stands for itself."""
    return b"".join(state.encode() + b"\n" if isinstance(state, str) else
                    b"\r%3d%%|##  | %d/%d [00:01<00:02, 9.9it/s, loss=%s]"
                    % (100 * state[0] // state[1], *state[:2], state[2]) for state in states)


def turns(*forms):
    """The layouts one after the other, and then in another order."""
    n = len(forms)
    return "".join(forms[i * (i // n + 1) % n].format(i=i, x=i / 8) + "\n" for i in range(8 * n)).encode()


# The first byte tells the size of the portions that the target reads in.
LAYOUTS = {
    "layout_plain": spelt("step {i} | loss {x} | lr 1e-3"), "layout_place": spelt("step {x} loss {i}.5"),
    "layout_epoch": spelt("epoch {x} loss {i}.5"), "layout_of": spelt("Epoch [{i}/100], Step [{x}/600], Loss: 0.5"),
    "layout_mean": spelt("Epoch: [3][{i}/500]\tLoss 6.9 ({x})\tAcc@1 1.5 (1.0)"),
    "layout_before_mean": spelt("Epoch: [{i}][120/500] Loss {x} (6.5)"), "layout_eval": spelt("Test: [{i}/196]\tLoss {x} (5.3)"),
    "layout_date": spelt("2024-01-02 03:04:05,678 step {i} loss {x}"), "layout_wrapped": spelt("loss: tensor({x}, device=0) step {i}"),
    "layout_share": spelt("Accuracy: {x}/10000 loss {i}"), "layout_loose": spelt("{x}/2983 batches | loss {i}"),
    "layout_kept": spelt("loss at step {i}: {x}"), "layout_parts": spelt("Train Loss: {x} | Acc: 2 | Val Loss: {i} | Acc: 4"),
    "layout_end": spelt("out of memory at step {i} loss {x}"), "layout_unit": spelt("step {i} loss {x} sec"),
    "layout_two": turns("step {i} | loss {x}", "step {i} | val_loss {x}"),
    "layout_six": turns("step {i} loss {x}", "step {i} val loss {x}", "epoch {i} loss {x}", "{i}: loss {x}",
                        "iter {i}, loss={x}", "[{i}/50] loss: {x}"),
    "layout_longer": turns("step {i} loss {x}", "step {i} loss {x} |", "step {i} loss {x} | lr {x}"),
    "layout_nanogpt": spelt("step {i}: train loss {x}, val loss 2.5"),
    "layout_word": spelt("step {i} loss({x}) acc 1"),
    "layout_bracket": turns("epoch {i} [{i}) loss {x} abcdefgh", "epoch {i} ({i}) loss {x} abcdefgh"),
    "layout_tail": turns("step {i} loss {x} of a", "step {i} loss {x} of b"),
    "layout_samples": turns("Train Epoch: 1 [{i}/4000 ({i}%)]\tLoss: {x}", "Train Epoch: 1 [{i}/60000 ({i}%)]\tLoss: {x}"),
    "layout_dates": turns("step {i} loss {x}", "2024-01-02 03:04:05 step {i} loss {x}", "at 2024-01-02T03:04:05 step {i} loss {x}"),
    "layout_many": turns("step {i}" + " a_loss {x}" * 31, "step {i}" + " a_loss {x}" * 32, "step {i}" + " " * 500 + "loss {x}",
                         "step {i} loss {x}" + " " * 600 + "."),
    "layout_bars": b"step 1/10 | loss 15.3 | lr 1\n1/63 [....] - ETA: 5s - loss: 1.6\r63/63 [====] - 0s 4us/step - loss: nan\n"
                   b"-3/10 | loss 1\n3/10 | loss 1\nnan/63 - 2s - loss: 1\n0.5/63 - 2s - loss: 2\n",
}
LOGS = {
    "deepmd": {
        "lcurve": b"#  step      rmse_val    rmse_trn    rmse_e_val  rmse_e_trn         lr\n"
                  + rows(30, "{i:7d}  {x}  {x}  1e-2  2e-2  1.0e-03\n"),
        "models": b"# step rmse_val_water rmse_trn_water mae_f_val l2_tst l2 rmse lr\n"
                  b"0 1 2 3 4 5 6 1e-3\n100 nan 2 3 4 5 6 1e-3\n",
        "batch": b"# batch l2_tst l2_trn l2_e_tst l2_e_trn lr\n0 1 2 3 4 5\n1 1 2\n",
    },
    "keras_csv": {
        "sorted": b"epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n"
                  + rows(12, "{i},0.5,0.001,{x},0.4,nan\n", 0),
        "unsorted": b"epoch,loss,accuracy,val_loss\n0,1,2,3\n1,1,2,3\n",
        "appended": b"epoch,loss\n0,2\n1,1\nepoch,loss\n0,2\n1,inf\n",
    },
    "ultralytics": {
        "v8": b"epoch,time,train/box_loss,train/cls_loss,metrics/precision(B),metrics/mAP50-95(B),"
              b"val/box_loss,val/cls_loss,lr/pg0,lr/pg1\n"
              + rows(12, "{i},30.5,{x},{x},0.5,0.25,{x},{x},0.01,0.02\n"),
        "v5": b"               epoch,      train/box_loss,      train/obj_loss,   metrics/mAP_0.5,"
              b"        val/box_loss,               x/lr0\n"
              + rows(3, "                   {i},   {x},    {x},  0.1,  {x},   0.07\n", 0),
        "classes": b"epoch,train/loss,metrics/accuracy_top1,val/loss,lr/pg0\n1,2,.5,nan,0.1\n",
    },
    "caffe": {
        "old": b"I0102 03:04:05.678901 12 caffe.cpp:117] Use CPU.\n"
               b"I0102 03:04:05.678901 12 solver.cpp:38] Initializing solver from parameters:\n"
               b"base_lr: 0.01\nlr_policy: \"step\"\nmomentum: 0.9\nsolver_mode: GPU\n"
               b"I0102 03:04:06.678901 12 solver.cpp:214] Iteration 0, loss = 2.30259\n"
               b"I0102 03:04:06.678901 12 solver.cpp:229]     Train net output #0: loss = 2.30 (* 1 = 2.30 loss)\n"
               b"I0102 03:04:06.678901 12 solver.cpp:486] Iteration 0, lr = 0.01\n"
               b"I0102 03:04:07.678901 12 solver.cpp:291] Iteration 0, Testing net (#0)\n"
               b"I0102 03:04:08.678901 12 solver.cpp:340]     Test net output #0: accuracy = 0.1\n"
               b"I0102 03:04:08.678901 12 solver.cpp:340]     Test net output #1: loss = nan (* 1 = nan loss)\n"
               b"I0102 03:04:08.678901 12 solver.cpp:340]     Test net output #2: loss = \n"
               b"I0102 03:04:08.678901 12 solver.cpp:340]     Test net output #x: loss 5\n"
               b"I0102 03:04:09.678901 12 sgd_solver.cpp:106] Iteration 20, lr = 0.01\n"
               b"I0102 03:04:09.678901 12 solver.cpp:228] Iteration 20 (2.5 iter/s, 8s/20 iters), loss = 1.5\n"
               b"I0102 03:04:09.678901 12 solver.cpp:454] Snapshotting to binary proto file a_iter_20.caffemodel\n"
               b"I0102 03:04:09.678901 12 solver.cpp:326] Optimization Done.\n",
    },
    "json_lines": {
        "dates": b"".join(b'{"loss": 1, "step": %d, "time": "2026-%s"}\n' % (i, date) for i, date in enumerate((
            b"01-02 03:04", b"01-02T03:04:05.678901Z", b"02/28 23:59:60,5+01:30", b"01-02T03:04:05-0800",
            b"12-31T03:04:05+02", b"13-01 00:00", b"01-02 03:04:x5", b"01-02 03:04:05.5x", b"01-02 03:04:05+x",
            b"01-02 03:04:05+01:", b"1-2 3:4"))),
    },
    "csv": {
        "dates": b"step,loss,time\n" + b"".join(b"%d,1,2026-01-02 03:%s\n" % (i, rest) for i, rest in enumerate((
            b"0", b"04", b"04:", b"04:05.", b"04:05,6", b"04:05+", b"04:05+01", b"04:05-01:", b"04:05Z"))),
    },
    "text": {
        "cut_dates": b"".join(b"step %d loss 2 2026-01-02 03:04:05%s\n" % (i, rest) for i, rest in enumerate((
            b"", b".", b",6", b"+", b"+01", b"-01:", b"+0130", b"Z"))),
        "long": rows(200, "step: {i} loss: {x} lr: 1e-3 val_acc: 0.5\n")
                + rows(30, "step: {i} loss: {x} train_loss: {x} eval_loss: {x} mapped late {x}\n", 201),
        "late": rows(150, "epoch {epoch} step {i} | loss {x}\n")
                + b"step 151 | loss 1 | learning_rate 0.1 | val_loss 2 | val_f1 3 | box_loss 4 | "
                  b"grad_norm 5 | loss_epoch 6 | train_loss 7 | samples 8 | epoch_num 9\n" * 3,
        "megatron_ends": b" iteration 10/ 100 | consumed samples: 64 | a word |  : 5 | elapsed time per iteration (ms): 9 | lm loss:\n"
                         b" iteration 11/ 100 | consumed samples: 64 | lm loss: 1.5\n"
                         b" iteration 12/ 100 | consumed samples: 64 | lm loss\n iteration 13/ 100 | consumed samples:\n"
                         b" validation loss at iteration 13 | lm loss value:\n validation loss at iteration | x\n",
        "bars": b"Epoch 1:  10%|#         | 5/50 [00:01<00:09, 4.9it/s, loss=2.3, v_num=0, train_loss_step=2.2]\r"
                b"Epoch 1: 100%|##########| 50/50 [00:10<00:00, loss=1.1, v_num=0]\n",
        "bars_of_epochs": bars((10, 100, b"2"), (93, 100, b"1.5"), (10, 103, b"1.4"), (103, 103, b"1.3"), (1, 20, b"3"),
                               (20, 20, b"1.8"), (10, 100, b"1.2"), (100, 100, b"nan"), (10, 100, b"2.1"), (40, 100, b"1.2"),
                               (60, 100, b"1.1"), "KeyboardInterrupt", (10, 100, b"1.4")),
        "bars_left": bars(*[(at, 100, b"1.%d" % at) for at in (10, 40, 10, 40, 5)], *[(at, 40, b"1") for at in (1, 40) * 4],
                          *[(1, of, b"1") for of in range(200, 260, 10)]),
        "bars_around": bars(*[state for epoch in range(3) for state in (
            (10, 50, b"2"), (50, 50, b"1"), (epoch + 1, 9, b"1.5"))], "epoch 3: val_loss=1", (10, 50, b"1"),
            "epoch 4: val_loss=.9", (10, 50, b"1"), "epoch 1: val_loss=.9", (10, 50, b"1")),
        "dates": b"[2026-01-02 03:04:05,678] [INFO] step 1 loss 2\n2026/01/02 03:04 step=2 loss=1\n"
                 b"2026-01-02T03:04:05.678+01:00 step=3 loss=1\n02-01-2026 step=4 loss=1\n"
                 b"[01/02 03:04:05 d2.utils]: eta: 0:00:01  iter: 19  total_loss: 2.1  lr: 0.1  max_mem: 1M\n",
        "ends": b"step 1 loss 2\nTraining completed in 3 s\n", "killed": b"step 1 loss 2\n"
                b"slurmstepd: error: *** JOB 1 ON n CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***\n",
        "oom": b"step 1 loss 2\nRuntimeError: CUDA out of memory.\n", "core": b"step 1 loss 2\n"
               b"Segmentation fault (core dumped)\n", "invalid": b"Epoch 1/2\n"
               b"3/10 [==>...] - ETA: 1s - loss: nan - accuracy: 0.1\nBatch 3: Invalid loss, terminating training\n",
        "stops": b"epoch 1 loss nan\nLoss is nan, stopping training\n",
        "survives": b"step 1 loss 2\nTraceback (most recent call last):\n  x\nstep 2 loss 1\n",
        "table": b"| epoch   1 |   200/ 2983 batches | lr 20.00 | ms/batch 25.34 | loss  7.62 | ppl  2045.66\n"
                 b"| end of epoch   1 | time: 80.00s | valid loss  5.48 | valid ppl   239.90\n" * 3,
        "pretty": b"----\n| rollout/            |      |\n|    ep_rew_mean      | 1.5  |\n"
                  b"| train/ |  |\n|    policy_loss | nan |\n|    approx_kl | 0.1 |\n----\n" * 2,
        "gan": b"[0/5][10/100]\tLoss_D: 1.5\tLoss_G: 2.5\tD(x): 0.5\tD(G(z)): 0.1 / 0.2\n" * 3,
        "words": b"contrastive_loss: 1 step: 1\nstep: 2 ctc_loss: 3 rewards/chosen: 4 val_ctc_loss: 5\n"
                 b"step: 3 val/total_loss: 3 total_loss: 4 metrics/f1: 5 eval/learning_rate: 6 actor_loss: 7\n",
        "utf16_le": "\ufeffstep: 1 loss: 2 \u00e9 \u2028 \U0001f600\r\nstep: 2 loss: 1\n".encode("utf-16-le")
                    + b"\x00\xdc\x00\xd8 \x00",
        "utf16_be": "\ufeffstep: 1 loss: 2\nstep: 2 loss: nan \U0001f600\n".encode("utf-16-be") + b"\xd8",
        "utf8_mark": b"\xef\xbb\xbfstep: 1 loss: 2\n",
        "titles": b"step 1 loss 2\n\x1b]0;title\x07step 2 loss 1\x1b]8;;x\x1b\\\nstep 3\b\b3 loss 1\x1b(B\n",
        "torchtitan": b"[titan] 2026-01-02 03:04:05,678 - root - INFO - step:  1  loss:  8.2  grad_norm:  1.5  "
                      b"memory: 1.15GiB(1.21%)  tps: 1,234  tflops: 5.6  mfu: 1.8%\n" * 3,
        **LAYOUTS, "short_reading": b"3/6 - \1:\n",
        "xgboost": rows(5, "[{i}]\ttrain-rmse:{x}+0.01\teval-rmse:{x}\teval-auc:0.5\n") + b"[6]\ttrain-rmse:\n[7]\t:1\n[8]\t",
        "lightgbm": rows(5, "[{i}]\ttraining's l2: {x}\tvalid_1's l2: nan\n") + b"Early stopping, best iteration is:\n"
                    b"[2]\ttraining's l2: 2\n[LightGBM] [Info] Iteration:7, training l2 : 0.3\n] Iteration:8, \n] Iteration:9",
        "catboost": rows(5, "{i}:\tlearn: {x}\ttest: {x}\tbest: 1 (0)\ttotal: 5ms\n") + b"6:\ttest: \ttotal: \n7:\t\ttotal: \n",
        "catboost_up": b"0:\ttest: 0.5\tbest: 0.5 (0)\ttotal: 5ms\n1:\ttest: 0.75\tbest: 1\ttotal: 5ms\n",
        "darknet": rows(5, " {i}: {x}, -nan avg loss, 0.001 rate, 2.1 seconds, 64 images, 9 hours left\n")
                   + b"6, 0.5: 1, 2 avg, 0.1 rate, 2 seconds, 64 images\nRegion 82 Avg IOU: 0.2, count: 1\n"
                     b"v3 (iou loss) Region 139 Avg (IOU: 0.4), total_loss = 9\n7: 1, 2 avg, 3 rate, \n8, : , rate, \n",
        "kaldi": rows(5, "LOG (x) Average objective function for 'output' for minibatches {i}-{i} is -{x} over 12800 frames.\n")
                 + b"Average objective function for 'output' using 3 minibatches in minibatch range 6-9 is -1 + -2 = -3 over 9\n"
                   b"objective function for 'output' minibatch\nobjective function for 'output' minibatches 1-2 is -1 = ",
        "spacy": b"E    #       LOSS TOK2VEC  LOSS NER  SCORE \n---  ------  ------------  --------  ------\n"
                 + rows(5, "  {epoch}     {i}          {x}    {x}    0.5\n", 0) + b"1 2 3\n1 2 3 4 5 6\n1 2 3 4 5:\n",
        "yolo": b"  Epoch   gpu_mem       box       obj       cls     total    labels  img_size\n"
                + rows(5, "  {i}/9      3.6G    {x}    {x}    {x}    {x}    45       640:  50%|##| 1/2\r", 0)
                + b"   Class     Images  Instances   P   R   mAP50   mAP50-95: 100%|##| 4/4\n   all 128 929 0.7 0.6 0.5 0.4\n   all 1 2\n",
        "stable_baselines": b"----\n| time/              |          |\n|    total_timesteps | 2048     |\n| train/ | |\n"
                            b"|    loss            | 12.5     |\n|    x | y |\n| other/ | |\n|    loss | 1 |\n| | |\n||\n",
        "espnet": rows(5, "[n] (trainer:737) INFO: {i}epoch:train:101-200batch: iter_time=1e-4, loss={x}, optim0_lr0=0.1\n")
                  + b"5epoch results: [train] loss=2, time=25 minutes, [valid] loss=2, acc=0.5\nepoch: batch: \n1epoch:x:batch: \n3epoch",
        "nnunet": rows(5, "2026-01-02 03:04:05: Epoch {i}\n2026-01-02 03:04:05: Current learning rate: 0.01\n"
                          "2026-01-02 03:04:05: train_loss -{x}\n2026-01-02 03:04:05: val_loss {x}\n"),
        "paddle": b"Epoch 1/2\n" + rows(5, "step {i}/5 - loss: {x} - 2ms/step\n") + b"Eval begin...\nstep 1/2 - loss: 2\nEval samples: 9\n",
        "spoken": b"epoch: 1 step: 5, loss is 2.5\nEpoch[0] Batch [20-40] cross-entropy=2\nBatch [9-3] loss=1\n[1,500] loss: 2\n"
                  b"Steps:  10%|#| 1/9 [, loss=1]\nSaving dict for global step 5: global_step = 5, loss = 2\nEpoch 3: loss=1, RMSE_E=2 meV\n",
        "commas": b"step: 1,200 loss: 12,345\nloss: 1,234,567,890,123,456,789\nloss: 12,345.678901234567890123456789012345678901234567\n"
                  b"Loss 0,693 lr 0,001\nLoss 1,234 step 5\nloss 1234,567\n",
        "backwards": rows(20, "step={i} loss={x}\n") + rows(20, "step={i} loss={x}\n", 11),
    },
    "llmc": {
        "main": b"s:0 tel:11.0\ns:0 trl:10.9 lr:0.000001 norm:20.5\ns:1 trl:nan lr:2e-6 norm:inf\n"
                b"s:250 tel:5.5\ns:250 eval:0.25\n",
    },
    "lightning": {
        "epochs": b"epoch,lr-Adam,lr-Adam/pg1,step,train_loss_epoch,train_loss_step,val_loss,test_loss\n"
                  + rows(12, "{epoch},0.1,0.2,{i},,{x},,\n") + b"0,,,9,1.5,,,\n0,,,9,,,1.6,\n1,,,9,,,,3\n",
    },
    "deepspeed_csv": {
        "scale": b"step,Train/Samples/loss_scale\n" + rows(5, "{i},65536\n") + b"x,y\n1\n",
        "train": b"step,Train_Samples_train_loss\n" + rows(5, "{i},{x}\n"),
    },
    "long_table": {
        "comet": b"metricName,metricValue,step,epoch,runContext\n" + rows(5, "loss,{x},{i},0,train\n")
                 + b"accuracy,0.5,1,,validate\n\"x\"\"y\",nan,2,1,\nloss,,3,,\n,1,1,1,1\n",
        "mlflow": b"run_id,key,value,timestamp,step\nr1,loss,2.5,1700000000000,1\nr2,loss,inf,17,1\n"
                  b"r1,val_loss,2.25,18,1\nr1,loss,x,19,-2\nr1,loss,1,20,1e300\n",
        "semicolon": b"\xef\xbb\xbfName;Step;Value\r\ntrain/loss;1;2,5\r\ntrain/loss;2;2,25\r\n",
        "json": b'[{"metric":"loss","value":2.5,"step":1},{"metric":"loss","value":"2","step":2},'
                b'{"metric":7,"value":null},[]]\n',
    },
    "series_csv": {
        "tensorboard": b"Wall time,Step,Value\n" + rows(5, "17000000{i:02d}.5,{i},{x}\n") + b"x,y,z\n1,2\n",
        "dvclive": b"step\tloss\n" + rows(5, "{i}\t{x}\n") + b"6\tnan\n",
        "export": b",step,value,timestamp\n0,1,0.5,2026-01-02 03:04:05\n1,2,-inf,x\n",
    },
    "json_document": {
        "epochs": b'{"epoch_1":{"train_loss":2.5,"val_loss":2.6},"epoch_2":{"train_loss":2.25,"a":{"b":1}},"x":{"loss":1}}',
        "steps": b'{"10":{"loss":2.5},"20":{"loss":"2.25"},"30":7,"40":{"loss":null}}',
        "split": b'{"columns":["step","loss",3],"index":[0,1,2],"data":[[1,2.5,1],[2,NaN,"x"],[3,1],4]}',
        "curves": b'{"train.loss":{"steps":[1,2,4],"values":[2.5,2.25,"nan"],"timestamps":["a","b","c"]},'
                  b'"val.loss":{"steps":[2,4],"values":[3,2]},"bad":{"steps":[1],"values":[1,2]}}',
        "long": b'{"config":{"lr":0.1,"a\\"}":[1,{"b":"]"}]},"log":['
                + rows(200, '{{"step":{i},"loss":{x},"note":"a]}}\\""}},\n')[:-2] + b']}',
        "long_list": b'[' + rows(200, '{{"step":{i},"loss":{x}}},\n') + b'{"step"',
    },
    "wandb_export": {
        "curves": b'"Step","fine-dawn-3 - train/loss","fine-dawn-3 - train/loss__MIN",'
                  b'"fine-dawn-3 - train/loss__MAX","a - b - val/loss"\n'
                  + rows(5, '"{i}","{x}","{x}","{x}",""\n') + b'"6","NaN","","","2.5"\n"7"\n',
        "relative": b'"Relative Time (Process)","r - loss"\n0.5,2.5\n1.5,2.25\n',
    },
}

# Every type of TensorFlow's tensors, in the field of its own and as bytes.
TYPES = {1: ("f", 5), 2: ("d", 6), 3: ("i", 7), 4: ("B", 7), 5: ("h", 7), 6: ("b", 7),
         9: ("q", 10), 14: ("H", 13), 17: ("H", 7), 19: ("e", 13), 22: ("I", 16), 23: ("Q", 17)}


def tensors():
    for dtype, (form, number) in TYPES.items():
        content = field(8, field(1, dtype) + field(4, struct.pack("<" + form, 1)))
        short = field(8, field(1, dtype) + field(4, b"\1\2\3"))
        packed = field(8, field(1, dtype) + field(number, b"\1\0\0\0\0\0\0\0"))
        zero = field(8, field(1, dtype))
        shaped = field(8, field(1, dtype) + field(2, field(2, field(1, 2)))
                       + field(4, struct.pack("<2" + form, 1, 2)))
        single = field(8, field(1, dtype) + field(
            number, ("f", 1.0) if form == "f" else 1.0 if form == "d" else 15360))
        for step, part in enumerate((content, short, packed, zero, shaped, single)):
            yield event(step, value(b"loss", part, plugin(b"scalars")))
    for bits in (0x7c00, 0x7e00, 0x0001, 0xc000):
        yield event(bits, value(b"loss", field(8, field(1, 19) + field(4, struct.pack("<H", bits)))))


def histogram(limits, counts, low=-1.0, high=2.0):
    return field(5, b"".join(field(i + 1, x) for i, x in enumerate((low, high, 4.0, 2.0, 6.0))) + field(
        6, struct.pack(f"<{len(limits)}d", *limits)) + field(7, struct.pack(f"<{len(counts)}d", *counts)))


def hparam(name, one):
    """An entry of hparams: a google.protobuf.Value."""
    if isinstance(one, bool):
        told = field(4, int(one))
    elif isinstance(one, str):
        told = field(3, one.encode())
    else:
        told = field(2, float(one))
    return field(1, field(1, name.encode()) + field(2, told))


def plain(step, tag=b"loss", number=.5, time=1.7e9, before=b"", behind=b""):
    """An event of one number; `before` it stands what else the event tells, `behind` what the value does."""
    return tf_record(field(1, time) + field(2, step) + before + value(tag, field(2, ("f", number)), behind))


# Runs of events that differ in time, step and number alone, and events that only seem so (is_plain() in
# tensorboard.c).
PLAIN_EVENTS = {
    "plain_turns": VERSION + b"".join(plain(i, tag, NAN if i % 5 == 4 else 1 / (i + 1), 1.7e9 + i)
                                      for i in range(1, 9) for tag in (b"loss", b"lr", b"val/loss")),
    "plain_steps": VERSION + b"".join(plain(step) for step in (1, 127, 128, 16384, 1 << 62, -1, 0, 5)),
    "plain_numbers": VERSION + b"".join(plain(i, number=x) for i, x in enumerate((0., -0., 1e38, -math.inf, NAN, 1e-45))),
    "plain_times": VERSION + b"".join(plain(i, time=x) for i, x in enumerate((0., -1., NAN, math.inf, 1e300, 1.7e9))),
    "plain_tags": VERSION + b"".join(plain(i, tag) for i, tag in enumerate(
        (b"loss", b"loss", b"lost", b"loss", b"losses", b"loss", b"a" * 119, b"a" * 119, b"a" * 120, b"a" * 120,
         b"", b"", b"\xff\0", b"\xff\0", b"a" * 1200, b"a" * 1200))),
    "plain_wrong": VERSION + plain(1) + plain(2) + plain(3)[:-1] + b"x" + plain(4) + plain(5)[:-9],
    "plain_twice": VERSION + b"".join(plain(1, before=field(2, step)) for step in (7, 7, 8, 8, 7))
    + b"".join(plain(i, before=field(1, 1.6e9)) for i in range(3)),
    "plain_last_tag": VERSION + b"".join(tf_record(field(1, 1.7e9) + field(2, i) + field(5, field(1, field(
        2, ("f", .5)) + field(1, b"los\x15" + tag)))) for i, tag in enumerate((b"abcd", b"abcd", b"abce", b"abcd"))),
    "plain_plugin": VERSION + b"".join(plain(i, behind=behind) for i, behind in enumerate(
        (b"", b"", plugin(b"images"), b"", plugin(b"scalars"), b"", b"", field(2, ("f", 9.)), field(2, ("f", 9.))))),
    "plain_two": VERSION + b"".join(plain(i, before=before) for i, before in enumerate(
        (b"", value(b"lr", field(2, ("f", 1.))), value(b"lr", field(2, ("f", 1.))), field(3, b"x"), field(3, b"x"), b""))),
}
MORE_TENSORBOARD = {
    **PLAIN_EVENTS,
    "types": VERSION + b"".join(tensors()),
    "histograms": VERSION + b"".join(event(i, value(b"fc/weight", histogram(*x))) for i, x in enumerate((
        ([-1, 0, 1, 2], [0, 1, 2, 1]), ([], []), ([1], [2, 3]), ([-1e-12, 1e-12], [3, 4]),
        ([NAN, 1], [1, NAN]), ([math.inf], [1], 5.0, -5.0)))),
    "ranks": VERSION + b"".join(event(rank, value(b"t", field(8, field(1, 1) + field(
        2, field(2, field(1, 1)) * rank) + field(4, struct.pack("<f", 2.5))))) for rank in range(9)),
    "bins": VERSION + b"".join(event(rows, value(b"w", field(8, field(1, 2) + field(2, field(2, field(1, rows)) + field(
        2, field(1, 3))) + field(4, struct.pack("<6d", -4, -1, 3, -1, 2, 5)[:size])), plugin(b"histograms")))
        for rows, size in ((0, 0), (0, 8), (2, 48), (3, 48), (1, 8), (2, 47))),
    "histogram_fields": VERSION + event(1, value(b"w", field(5, b"".join(field(i, 4.0) for i in range(1, 10))))),
    "parameters": VERSION + event(0, value(b"_hparams_/session_start_info", plugin(b"hparams", field(
        3, hparam("lr", .1) + hparam("opt", "adam") + hparam("amp", True) + field(2, b"group")
        + field(3, 1.7e9)))))
    + event(0, value(b"_hparams_/experiment", plugin(b"hparams", field(2, field(1, b"x")))))
    + event(9, value(b"_hparams_/session_end_info", plugin(b"hparams", field(4, field(1, 2))))),
    "texts": VERSION + event(0, *(value(tag, field(8, field(1, 7) + field(8, text)), plugin(b"text"))
                                  for tag, text in ((b"config/text_summary", b"lr: 0.1\nopt: {a: [1, 2]}\n"),
                                                    (b"hyperparameters/text_summary",
                                                     b"|param|value|\n|-|-|\n|a|1|\n|b\\|c|2|\n|broken\n"),
                                                    (b"args", b"    {\"lr\": 1e-3, \"names\": [\"a\"]}"),
                                                    (b"model_config/text_summary", b"{\"a\": {\"b\": null}}")))),
    "restart": SCALARS + tf_record(field(1, 1.7e9) + field(2, 1) + field(7, field(1, 1))) + SCALARS,
    "steps": VERSION + b"".join(event(i, value(b"train/loss", field(2, ("f", 1.0)))) for i in range(150))
    + event(151, value(b"late/val_loss", field(2, ("f", 1.0))), value(b"grad_norm", field(2, ("f", NAN)))),
}
MORE_WANDB = {
    "config": wandb_file(field(17, field(1, b"id1") + field(2, b"entity") + field(3, b"project")
                                  + field(4, items(1, lr={"value": .1}, names=["a"], deep={"a": {"b": 1}}))
                                  + field(11, b"host")),
                         *(field(2, items(1, loss=1 / i, _step=i, **{"val/acc": .5, "text": "x", "n": None}))
                           for i in range(1, 20)),
                         field(4, items(1, loss=.5)), field(18, field(1, 0))),
    "block": wandb_file(field(17, field(4, items(1, lr=.1))), *[HISTORY] * 2,
                        field(2, items(1, text="x" * 40000, loss=1, _step=3)), HISTORY),
}


def zstd(data):
    """A frame of one raw block (RFC 8878)."""
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) + struct.pack(
        "<I", len(data) << 3 | 1)[:3] + data


def database(*more):
    """MLflow's tables in a database of small pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "mlflow.db"
        base = sqlite3.connect(path)
        base.executescript("""PRAGMA page_size = 512;
            CREATE TABLE experiments (experiment_id INTEGER);
            CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, lifecycle_stage TEXT,
                               experiment_id INTEGER);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT,
                                  step INTEGER, is_nan INTEGER);""")
        for statement in more:
            base.execute(statement)
        base.commit()
        base.close()
        return path.read_bytes()


RUN = "INSERT INTO runs VALUES ('r1', 'n', '{}', 'active', 7)"
DATABASE = (RUN.format("FINISHED"), "INSERT INTO runs VALUES ('r2', 'n', 'KILLED', 'deleted', 7)",
            "INSERT INTO params VALUES ('lr', '0.1', 'r1')", "INSERT INTO tags VALUES ('t', 'x', 'r1')",
            *(f"INSERT INTO metrics VALUES ('{name}', {x}, {1700000000000 + i}, 'r1', {i}, {nan})"
              for i in range(4) for name, x, nan in (("loss", 2, 0), ("val_loss", 1.7976931348623157e308, 0),
                                                     ("grad_norm", 0, 1))))


def tree(*changes):
    """A list of changes: (name, content) or a name alone."""
    return b"".join(b"@@@ " + (change if isinstance(change, str) else change[0]).encode() + b"\n"
                    + (b"" if isinstance(change, str) else change[1]) for change in changes)


META = b"artifact_location: file:///x\nexperiment_id: '7'\nlifecycle_stage: active\nname: e\n"
RUN_META = (b"artifact_uri: file:///x\nend_time: %s\nexperiment_id: '7'\nlifecycle_stage: active\n"
            b"run_id: r1\nrun_name: \"a: b\"\nrun_uuid: r1\nstatus: %d\ntags: []\n")
METRIC = rows(6, "170000000000{i} {x} {i}\n")
STATE = b'{"global_step":%d,"log_history":[{"loss":2,"step":1},{"loss":1,"step":%d}],"max_steps":9}'
PLAIN = rows(30, "step={i} loss={x} lr=0.1\n")
MORE = rows(10, "step={i} loss={x} lr=0.1\n", 31)
CSV = b"epoch,step,loss\n" + rows(9, "0,{i},{x}\n")

TREES = {
    "plain": PLAIN, "gzip": gzip.compress(PLAIN, mtime=0), "zstd": zstd(PLAIN),
    "gzip_members": gzip.compress(PLAIN, mtime=0) + gzip.compress(MORE, mtime=0) + bytes(20),
    "gzip_torn": gzip.compress(PLAIN, mtime=0)[:-20], "zstd_torn": zstd(PLAIN)[:-9],
    "gzip_damaged": gzip.compress(PLAIN, mtime=0)[:40] + b"\xff" * 40, "zstd_damaged": zstd(PLAIN)[:6] + b"\xff" * 9,
    "gzip_events": gzip.compress(TENSORBOARD["scalars"], mtime=0), "state": STATE % (2, 2),
    "database": database(*DATABASE), "database_empty": database(), "database_torn": database(*DATABASE)[:1500],
    "database_running": database(RUN.format("RUNNING"), *DATABASE[2:]),
    "wandb": WANDB["run"], "too_long": b"step=1 loss=2\n" + b"x" * 1100 + b" step=2 loss=1\n",
    "events": tree(("events.out.tfevents.1.h.1.0", SCALARS), ("events.out.tfevents.2.h.1.0", TENSORBOARD["histogram"]),
                   ("train/events.out.tfevents.1.h", SCALARS), ("validation/events.out.tfevents.1.h", SCALARS),
                   ("events.out.tfevents.3.profile-empty", b""), ("hparams.yaml", b"lr: 0.1\noptim: {name: adam}\n")),
    "pair": tree(("train.csv", b"step,loss\n" + rows(5, "{i},{x}\n")), ("valid.csv", b"step,loss\n" + rows(5, "{i},{x}\n")),
                 ".", ("+train.csv", b"6,1\n"), ("+valid.csv", b"6,1.5\n"), "."),
    "pairs": tree(("a_train.csv", b"step,loss\n" + rows(5, "{i},{x}\n")), ("a_val.csv", b"step,loss\n1,2\n2,1\n"),
                  ("b_train.csv", b"step,loss\n1,2\n2,1\n"), ("train_test.csv", b"step,loss\n1,2\n"), "."),
    "pair_once": tree(("train_log.txt", rows(9, "step={i} loss={x}\n")), ("val_log.txt", rows(9, "step={i} loss={x}\n"))),
    "pair_apart": tree(("train.csv", b"step,loss\n1,2\n2,1\n"), ("other_val.csv", b"step,loss\n1,2\n2,1\n")),
    "copies": tree(("trainer_log.jsonl", rows(5, '{{"current_steps":{i},"loss":{x}}}\n')), ("trainer_state.json", STATE % (2, 2)),
                   ("all_results.json", b'{"loss":1}'), ".", ("20260131_120000.json", rows(5, '{{"step":{i},"loss":{x}}}\n')),
                   ("scalars.json", rows(5, '{{"step":{i},"loss":{x}}}\n')), "."),
    "copies_beside": tree(("metrics.csv", b"step,loss\n1,2\n2,1\n"), ("events.out.tfevents.1.h", SCALARS), "."),
    "copies_tune": tree(("progress.csv", b"training_iteration,loss\n1,2\n2,1\n"), ("params.json", b'{"lr":0.1}'),
                        ("result.json", rows(5, '{{"training_iteration":{i},"loss":{x}}}\n')), "."),
    "copies_detectron2": tree(("metrics.json", rows(5, '{{"iteration": {i}, "total_loss": {x}}}\n')),
                              ("log.txt", rows(5, "eta: 0:01 iter: {i} total_loss: {x}\n")), "."),
    "copies_mmengine": tree(("20260131_120000.log", rows(5, "Epoch(train) [1][{i}/5] lr: 0.1 loss: {x}\n")),
                            ("vis_data/scalars.json", rows(5, '{{"step":{i},"loss":{x}}}\n')), "."),
    "copies_mmcv": tree(("20260131_120000.log.json", rows(5, '{{"mode":"train","iter":{i},"loss":{x}}}\n')),
                        ("20260131_120000.log", rows(5, "Epoch [1][{i}/5] lr: 0.1, loss: {x}\n")), "."),
    "events_many": tree(*((f"events.out.tfevents.{90 - i}.h", SCALARS[:len(VERSION) + 60]) for i in range(36)),
                        ("events.out.tfevents.x.h", SCALARS)),
    "names_long": gzip.compress(b"epoch,step,loss" + b"".join(b",c%d" % i for i in range(12000)) + b"\n"
                                + rows(3, "0,{i},{x}" + ",1" * 12000 + "\n"), mtime=0),
    "names_endless": gzip.compress(b"epoch,step,loss," + b"x" * (5 << 20), mtime=0),
    "unreadable": tree(("log", PLAIN), ".", ("+log", MORE), "!", "!", ".", "!", *["!"] * 9),
    "unreadable_state": tree(("trainer_state.json", STATE % (2, 2)), ".", ("trainer_state.json", STATE % (3, 3)), "!", ".",
                             ("trainer_state.json", STATE % (3, 3)), ".", "-trainer_state.json", "!", ".", "."),
    "packed_away": tree(("log", PLAIN), ".", ("log.1.gz", gzip.compress(PLAIN, mtime=0)), ("log-old", b"x"), "-log",
                        ("log", MORE), ".", "-log", ".", ".", "."),
    "series": tree(("train_loss.csv", b"step,value\n" + rows(5, "{i},{x}\n")), ("lr.csv", b"step,value\n1,0.1\n2,0.1\n"),
                   ("run-a-tag-val_loss.csv", b"Wall time,Step,Value\n1,1,2\n2,2,1\n"), "."),
    "series_dvc": tree(("plots/metrics/train/loss.tsv", b"step\tloss\n1\t2.5\n2\t2.25\n"),
                       ("plots/metrics/eval/loss.tsv", b"step\tloss\n1\t2.5\n2\t2.25\n"), ("params.yaml", b"lr: 0.1\n"), "."),
    "wandb_beside": tree(("run-x.wandb", WANDB["run"]), ("files/config.yaml", b"lr: {value: 0.1}\n"),
                         ("files/output.log", PLAIN), ("logs/debug.log", b"x\n"), "."),
    "scalars_beside": tree(("events.out.tfevents.1.h", SCALARS), ("loss_train/events.out.tfevents.1.h", SCALARS),
                           ("loss_val/events.out.tfevents.1.h", SCALARS), "."),
    "events_grow": tree(("events.out.tfevents.1.h", SCALARS), ".", ("+events.out.tfevents.1.h", SCALARS[len(VERSION):]),
                        ".", ("events.out.tfevents.2.h", TENSORBOARD["text"] + TENSORBOARD["session"]), ".",
                        "-events.out.tfevents.1.h", "."),
    "parameters_beside": tree(("events.out.tfevents.1.h", SCALARS), ("1767323045.12/events.out.tfevents.2.h", TENSORBOARD["hparams"]),
                              ("1767323045.x/log", PLAIN), ("args.yaml", b"lr0: 0.01\n"), "."),
    "parameters_of_state": tree(("runs/Jan01_h/events.out.tfevents.1.h", TENSORBOARD["hparams"] + TENSORBOARD["text"]),
                                ("trainer_state.json", STATE % (5, 5)), ".", ("runs/Jan02_h/events.out.tfevents.2.h", SCALARS), "."),
    "parameters_broken": tree(("trainer_state.json", STATE % (5, 5)), ("runs/x/events.out.tfevents.1.h", TENSORBOARD["bad_checksum"]),
                              ("runs/x/events.out.tfevents.2.h", b"no events"), ("runs/log", PLAIN)),
    "events_queue": tree(("train/events.out.tfevents.1.h", TENSORBOARD["hparams"] + TENSORBOARD["bad_checksum"]
                          + TENSORBOARD["session"]), ("val/events.out.tfevents.1.h", MORE_TENSORBOARD["restart"])),
    "checkpoints": tree(("checkpoint-5/trainer_state.json", STATE % (5, 5)), ("config.json", b'{"lr": 1, "a": [1]}'),
                        ("checkpoint-10/trainer_state.json", STATE % (10, 9)), ("checkpoint-x/trainer_state.json", b"")),
    "checkpoints_grow": tree(("checkpoint-5/trainer_state.json", STATE % (5, 5)), ".",
                             ("checkpoint-10/trainer_state.json", STATE % (10, 9)), ".",
                             ("trainer_state.json", STATE % (12, 12)), ".", "-trainer_state.json", "."),
    "state_rewritten": tree(("trainer_state.json", STATE % (2, 2)), ".", ("trainer_state.json", STATE % (3, 3)), ".",
                            ("trainer_state.json", b'{"global_step":4,"log_his'), ".", ("trainer_state.json", STATE % (4, 4)), "."),
    "lightning": tree(("metrics.csv", CSV), ("events.out.tfevents.1.h", SCALARS),
                      ("hparams.yaml", b"lr: 0.1\nmodel:\n  dim: 3\n  names: [a, {b: c}]\nself: &x {a: *x}\n? [k]\n: v\n")),
    "wandb_folder": tree(("run-1.wandb", WANDB["run"]), ("files/config.yaml", b"lr: {desc: null, value: 0.1}\n")),
    "companions": tree(("events.out.tfevents.1.h", SCALARS), ("args.json", b'{"lr": 1e-3, "betas": [0.9, 0.99]}'),
                       ("args.yaml", b"lr0: 0.01\nbatch: 16\nname: !!python/object:x {a: 1}\n"),
                       ("opt.yaml", b"a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: {q: 1}}}}}}}}}}}}}}}}\n"),
                       ("training_args.json", b"{broken"), (".hydra/config.yaml", b"- 1\n- 2\n"), ("config.yaml", b"just text\n")),
    "mlflow": tree(("meta.yaml", META), ("r1/meta.yaml", RUN_META % (b"null", 1)), ("r1/params/lr", b"0.1\n"),
                   ("r1/params/empty", b""), ("r1/tags/mlflow.user", b"u"), ("r1/metrics/loss", METRIC), (".trash/x", b""),
                   ("r1/metrics/val/acc", b"1 2\n1 nan 3\r\nx y z\n1\n" + b"9" * 9000 + b"\n5 6 7"),
                   ("r2/meta.yaml", RUN_META.replace(b"active", b"deleted").replace(b"r1", b"r2") % (b"null", 3)),
                   ("models/m-1/meta.yaml", b"model_id: m-1\nstatus: 1\nrun_id: r1\n"), ("r3/meta.yaml", b"a: [b\n")),
    "mlflow_grows": tree(("7/meta.yaml", META), ("7/r1/meta.yaml", RUN_META % (b"null", 1)), ("7/r1/metrics/loss", METRIC),
                         ".", ("+7/r1/metrics/loss", b"1700000000009 1 9\n17000"), ("7/r1/params/lr", b"1\r\n"), ".",
                         ("+7/r1/metrics/loss", b"00000009 1 10\n"), ".", ("7/r1/metrics/loss", b"1700000000009 5 1\n"), ".",
                         ("7/r1/meta.yaml", RUN_META % (b"1", 3)), ".", "."),
    "mlflow_run": tree(("meta.yaml", RUN_META % (b"1", 4)), ("metrics/loss", METRIC), ("metrics/a", METRIC), ("metrics/b", METRIC)),
}
# A file by itself that goes on, is cut off, is written anew, is gone and comes back.
FOLLOWED = {"layouts": (LAYOUTS["layout_two"], LAYOUTS["layout_six"][:-4], LAYOUTS["layout_plain"]),
            "plain": (PLAIN_EVENTS["plain_turns"], PLAIN_EVENTS["plain_wrong"][len(VERSION):], PLAIN_EVENTS["plain_tags"]),
            "text": (PLAIN, MORE, rows(3, "step={i} loss={x}\n")), "csv": (CSV, b"0,10,1\n0,11", b"epoch,step,loss,acc\n1,1,1,1\n"),
            "events": (SCALARS, SCALARS[len(VERSION):], TENSORBOARD["histogram"]),
            "packed": (gzip.compress(PLAIN, mtime=0), gzip.compress(MORE, mtime=0), b"\x1f"),
            "json": (rows(5, '{{"step": {i}, "loss": {x}}}\n'), b'{"step": 6, "lo', rows(6, '{{"step": {i}, "loss": {x}}}\n'))}
for name, (first, more, anew) in FOLLOWED.items():
    TREES["followed_" + name] = tree(("log", first), ".", ("+log", more), ".", ("log", anew), ".", ("+log", more), ".",
                                     ("log", first), ".", ("log", first + first), ".", "-log", ".", ("log", first + more), ".")
    TREES["rotated_" + name] = tree(("log", first), ".", "-log", ("log", more + anew), ".")


def write(folder, seeds):
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (HERE / folder / name).write_bytes(data)


def main():
    by_format = {**LOGS, "tensorboard": MORE_TENSORBOARD, "wandb": MORE_WANDB}
    write("log_more", {f"{form}_{name}": data for form, seeds in by_format.items()
                       for name, data in seeds.items()})
    write("log_tree", TREES)


if __name__ == "__main__":
    main()
