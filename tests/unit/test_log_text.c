/* Lines of programs of all kinds, as their sources print them: named above each. */
#include "log_text_fixture.h"

extern const struct tw_log_format tw_log_format_key_values;
extern const struct tw_log_format tw_log_format_text;

static void reads(const char *text, const char *expected)
{
    assert_rows(&tw_log_format_text, text, expected);
}

/* pytorch/examples, imagenet/main.py: value (mean so far); evaluation counts by its mean. */
static void pytorchs_imagenet_example_is_read(void **state)
{
    (void)state;
    reads("Epoch: [0][  1/500]\tTime  0.1 ( 0.1)\tLoss 6.9e+00 (7.0e+00)\tAcc@1   1.5 (  1.0)\n"
          "Epoch: [1][ 11/500]\tTime  0.1 ( 0.1)\tLoss 5.9e+00 (6.0e+00)\tAcc@1   2.5 (  2.0)\n"
          "Test: [ 10/196]\tTime  0.1 ( 0.1)\tLoss 5.2e+00 (5.3e+00)\tAcc@1   3.0 (  3.5)\n"
          "Test: [ 20/196]\tTime  0.1 ( 0.1)\tLoss 5.1e+00 (5.2e+00)\tAcc@1   4.0 (  3.6)\n"
          " *   Acc@1 3.700 Acc@5 9.100\n",
          "row step=1 epoch=0: Loss=6.9 Loss avg=7 Acc@1=1.5 Acc@1 avg=1\n"
          "row step=511 epoch=1: Loss=5.9 Loss avg=6 Acc@1=2.5 Acc@1 avg=2\n"
          "row eval step=511 epoch=1: Loss=5.2 Acc@1=3.6\n"
          "row eval step=511 epoch=1: Acc@1=3.7 Acc@5=9.1\n");
}

/* pytorch/examples, mnist/main.py: samples in brackets. */
static void samples_in_brackets_are_no_steps(void **state)
{
    (void)state;
    reads("Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.300039\n"
          "Train Epoch: 1 [30000/60000 (50%)]\tLoss: 0.5\n"
          "Test set: Average loss: 0.0553, Accuracy: 9814/10000 (98%)\n",
          "row train epoch=0: Loss=2.300039\n"
          "row train epoch=0.5: Loss=0.5\n"
          "row eval epoch=0.5: Average loss=0.0553 Accuracy=0.9814\n");
}

/* pytorch/examples, word_language_model/main.py. The log begins with epoch 1: 2983 steps each. */
static void steps_go_on_over_epochs(void **state)
{
    (void)state;
    reads("| epoch   1 |  2800/ 2983 batches | lr 20.0000 | ms/batch  7.5 | loss  5.50 | ppl 245\n"
          "-----------------------------------------------------------------------------------\n"
          "| end of epoch   1 | time: 23.49s | valid loss  5.48 | valid ppl   239.90\n"
          "| epoch   2 |   200/ 2983 batches | lr 20.0000 | ms/batch  7.6 | loss   nan | ppl nan\n",
          "row step=2800 epoch=1: lr=20 loss=5.5 ppl=245\n"
          "row eval step=2983 epoch=1: valid loss=5.48 valid ppl=239.9\n"
          "row step=3183 epoch=2: lr=20 loss=nan ppl=nan\n");
}

/* OLMo's olmo/train.py: the place ends a line, and the readings follow; a rate alone counts as the
 * log has told the step. */
static void readings_follow_the_place(void **state)
{
    (void)state;
    reads("    optim/learning_rate_group0=0.1\n"
          "2024-02-01T05:01:11Z\tINFO\trank=0\tolmo.train:812 [step=10/557000,epoch=0]\n"
          "    train/CrossEntropyLoss=2.5\n"
          "    optim/learning_rate_group0=0.001\n"
          "    optim/total_grad_norm=1.5\n"
          "2024-02-01T05:02:11Z\tINFO\trank=0\tolmo.train:812 [step=20/557000,epoch=0]\n"
          "    train/CrossEntropyLoss=2.25\n",
          "row train step=10 epoch=0: train/CrossEntropyLoss=2.5\n"
          "row step=10 epoch=0: optim/learning_rate_group0=0.001\n"
          "row step=10 epoch=0: optim/total_grad_norm=1.5\n"
          "row train step=20 epoch=0: train/CrossEntropyLoss=2.25\n");
}

/* JAX's clu, clu/metric_writers/logging_writer.py, behind absl's prefix. */
static void a_count_in_brackets_is_the_step_of_pairs(void **state)
{
    (void)state;
    assert_rows(&tw_log_format_key_values,
                "I0731 15:03:01.123456 140234 logging_writer.py:48] [50] loss=2.5, acc=0.5\n"
                "I0731 15:03:02.123456 140234 logging_writer.py:48] [100] loss=2.25, acc=0.75\n"
                "[a] loss=2 [7]\n",
                "row step=50: loss=2.5 acc=0.5\n"
                "row step=100: loss=2.25 acc=0.75\n"
                "row: loss=2\n");
}

static void whether_steps_begin_anew_is_seen_at_the_second_epoch(void **state)
{
    (void)state;
    reads("Epoch [1/5], Step [100/600], Loss: 0.5\n"
          "Epoch [2/5], Step [100/600], Loss: 0.4\n",
          "row step=100 epoch=1: Loss=0.5\n"
          "row step=700 epoch=2: Loss=0.4\n");
    reads("Epoch 1 iter 100/6000 loss 0.5\nEpoch 2 iter 700/6000 loss 0.4\n",
          "row step=100 epoch=1: loss=0.5\n"
          "row step=700 epoch=2: loss=0.4\n");
}

/* Swin Transformer's main.py: an epoch and a batch, each with its total, behind a head. */
static void two_counts_behind_a_head_are_an_epoch_and_a_batch(void **state)
{
    (void)state;
    reads("INFO Train: [0/300][10/40]\teta 0:05:01 lr 0.001000\tloss 6.9 (6.95)\n"
          "INFO Test: [10/30]\tTime 0.5 (0.6)\tLoss 2.1 (2.2)\n"
          "INFO Train: [1/300][20/40]\teta 0:05:01 lr 0.001000\tloss 6.5 (6.75)\n",
          "row train step=10 epoch=0: lr=0.001 loss=6.9 loss avg=6.95\n"
          "row eval step=10 epoch=0: Loss=2.2\n"
          "row train step=60 epoch=1: lr=0.001 loss=6.5 loss avg=6.75\n");
}

/* NVIDIA's Tacotron 2, train.py. */
static void a_count_may_stand_between_a_name_and_its_reading(void **state)
{
    (void)state;
    reads("Train loss 119 0.512345 Grad Norm 1.25 2.34s/it\n"
          "Train loss 120 0.5 Grad Norm 1.5 2.34s/it\n"
          "Validation loss 120:  0.534000  \n",
          "row train step=119: Train loss=0.512345 Grad Norm=1.25\n"
          "row train step=120: Train loss=0.5 Grad Norm=1.5\n"
          "row eval step=120: Validation loss=0.534\n");
    reads("loss 2 lr 0.5\nloss 2.5 0.1\nstep 4 loss 3 0.25\nAcc 5 0.5\n",
          "row: loss=2 lr=0.5\nrow: loss=2.5\nrow step=4: loss=3\nrow step=4: Acc=5\n");
}

/* CNTK (CPUOnly, SGD.cpp): each epoch is told of when its batches have been. */
static void an_epoch_may_be_told_behind_its_batches(void **state)
{
    (void)state;
    reads("Minibatch[1-200]: loss = 2 * 6400\nMinibatch[201-400]: loss = 1.5 * 6400\n"
          "Finished Epoch[ 1 of 10]: [Training] loss = 1.75 * 50000\n"
          "Minibatch[1-200]: loss = 1.25 * 6400\nMinibatch[201-400]: loss = 1 * 6400\n"
          "Finished Epoch[ 2 of 10]: [Training] loss = 1.125 * 50000\n"
          "Minibatch[1-200]: loss = 0.5 * 6400\n",
          "row step=200: loss=2\nrow step=400: loss=1.5\n"
          "row train step=400 epoch=1: loss=1.75\n"
          "row step=600 epoch=1: loss=1.25\nrow step=800 epoch=1: loss=1\n"
          "row train step=800 epoch=2: loss=1.125\nrow step=1000 epoch=2: loss=0.5\n");
    reads("batch 50/100 loss 2\nbatch 100/100 loss 1\nepoch 1 valid loss 2\n"
          "batch 50/100 loss 0.5\nepoch 2 valid loss 1\nbatch 50/100 loss 0.25\n",
          "row step=50: loss=2\nrow step=100: loss=1\nrow eval step=100 epoch=1: valid loss=2\n"
          "row step=150 epoch=1: loss=0.5\nrow eval step=200 epoch=2: valid loss=1\n"
          "row step=250 epoch=2: loss=0.25\n");
    /* One that came before all epochs is of none. */
    reads("batch 1/100 loss 2\nEpoch 1/2\nbatch 50/100 loss 1\nEpoch 2/2\nbatch 50/100 loss 0.5\n",
          "row step=1: loss=2\nrow step=50 epoch=1: loss=1\nrow step=150 epoch=2: loss=0.5\n");
}

/* srun --label, docker compose and the like set a rank before each line. */
static void a_named_step_is_one_rather_than_a_number_in_front(void **state)
{
    (void)state;
    reads("3: step: 50/6000 loss: 0.5\n3: step: 100/6000 loss: 0.4",
          "row step=50: loss=0.5\nrow step=100: loss=0.4\n");
    reads("40: loss: 0.5\n60: loss: 0.4", "row step=40: loss=0.5\nrow step=60: loss=0.4\n");
}

static void a_comma_may_be_that_of_decimals(void **state)
{
    (void)state;
    reads("step: 50 loss: 2,5323 lr: 0,000300", "row step=50: loss=2.5323 lr=0.0003\n");
    reads("step=50; loss=-0,5; lr=3,0e-04", "row step=50: loss=-0.5 lr=0.0003\n");
    reads("Epoch 1 Loss 1,012 lr 0,001\nEpoch 2 Loss 0,998 lr 0,001\n",
          "row epoch=1: Loss=1.012 lr=0.001\nrow epoch=2: Loss=0.998 lr=0.001\n");
    /* Three digits are a group of thousands in a count; a reading has groups where the log shows
     * that its numbers have. */
    reads("step: 1,200 loss: 0.5", "row step=1200: loss=0.5\n");
    reads("Step 1 loss 2,125\nStep 2 loss 1,875 step 1,200",
          "row step=1: loss=2.125\nrow step=2: loss=1.875\n");
    reads("step: 1,200 loss: 12,345", "row step=1200: loss=12345\n");
    reads("loss: 12,345.75 step: 5\nloss: 9,876 step: 6",
          "row step=5: loss=12345.75\nrow step=6: loss=9876\n");
    reads("loss: 1,234,567 step: 5", "row step=5: loss=1234567\n");
    reads("loss: 1234,567 step: 5", "row step=5: loss=1234.567\n");
    /* A list is none. */
    reads("devices: 0,1,2,3 step: 1,200 loss: 0.5", "row step=1200: loss=0.5\n");
}

static void colours_hide_no_log(void **state)
{
    static const char text[] =
        "\033[32m10:00\033[0m step \033[36m50\033[0m loss \033[33m2.5\033[0m\n"
        "\033[32m10:01\033[0m step \033[36m60\033[0m loss \033[33m2.4\033[0m\n"
        "\033[32m10:02\033[0m step \033[36m70\033[0m loss \033[33m2.3\033[0m\n";
    (void)state;
    assert_int_equal(probe_of(&tw_log_format_text, text), 55);
}

static void places_are_told_in_many_ways(void **state)
{
    static const struct {
        const char *line, *row;
    } cases[] = {
        {"step 100 loss 0.5", "step=100: loss=0.5"},
        {"step 7 loss 0.5 at 2026-01-02 03:04:05", "step=7 time=1767323045000: loss=0.5"},
        {"[2026-01-02 03:04:05,250] step 7 loss 0.5", "step=7 time=1767323045250: loss=0.5"},
        /* A zone counts; half of one does not. */
        {"2026-01-02T03:04:05.25+01:30 step 7 loss 0.5", "step=7 time=1767317645250: loss=0.5"},
        {"2026-01-02 03:04:05-INFO step 7 loss 0.5", "step=7 time=1767323045000: loss=0.5"},
        {"global_step=5 loss=0.25", "step=5: loss=0.25"},
        {"iter 20/1000, loss nan, lr 1e-3", "step=20: loss=nan lr=0.001"},
        {"12000/50000 loss 0.5", "step=12000: loss=0.5"},
        {"[Epoch 3/10] loss: 0.5", "epoch=3: loss=0.5"},
        {"[1,  2000] loss: 2.173", "step=2000 epoch=1: loss=2.173"},
        {"[10]\ttrain loss: 2.173", "train step=10: train loss=2.173"}, /* no boosting */
        {"[1,500] loss: 2.173", "step=500 epoch=1: loss=2.173"},
        /* MindSpore; MXNet and, with one batch, Sockeye */
        {"epoch: 1 step: 100, loss is 2.3", "step=100 epoch=1: loss=2.3"},
        {"INFO:root:Epoch[0] Batch [20-40]\tSpeed: 10.5 samples/sec\tcross-entropy=2.5",
         "step=40 epoch=0: cross-entropy=2.5"},
        /* diffusers, kohya: a share of the bar is no step */
        {"Steps:  10%|#  | 100/1000 [00:10<01:30, 9.0it/s, lr=1e-5, step_loss=0.125]",
         "step=100: lr=1e-05 step_loss=0.125"},
        {"[Epoch 0/200] [Batch 5/938] [D loss: 0.69] [G loss: 0.71]",
         "step=5 epoch=0: D loss=0.69 G loss=0.71"},
        {"Loss at step 100: 0.512", "step=100: Loss=0.512"},
        {"INFO:tensorflow:loss = 0.512, step = 100 (1.2 sec)", "step=100: loss=0.512"},
        /* mmdetection, mmengine, detectron2 */
        {"2023-01-02 03:04:05,678 - mmdet - INFO - Epoch [1][50/7330]\tlr: 1e-03, eta: 23:34:01, "
         "time: 0.9, memory: 3800, loss: 1.5, grad_norm: 3.5",
         "step=50 epoch=1 time=1672628645678: lr=0.001 loss=1.5 grad_norm=3.5"},
        {"01/02 03:04:05 - mmengine - INFO - Iter(train) [   50/160000]  lr: 1e-3  loss: 1.1",
         "train step=50: lr=0.001 loss=1.1"},
        {"[01/02 03:04:05 d2.utils.events]:  eta: 0:10:00  iter: 19  total_loss: 5.05  lr: 1e-3",
         "step=19: total_loss=5.05 lr=0.001"},
        /* timm, Lightning's bar, OpenNMT, xgboost, fairseq's older lines */
        {"Train: 0 [  50/1251 (  4%)]  Loss: 6.9 (6.95)  Time: 0.5s, 1000.0/s  LR: 1.0e-05",
         "train step=50 epoch=0: Loss=6.9 Loss avg=6.95 LR=1e-05"},
        {"Epoch 0:  10%|#         | 10/100 [00:01<00:10, 9.0it/s, loss=0.512, v_num=0]",
         "step=10 epoch=0: loss=0.512"},
        {"Epoch 3:  10%|#  | 10/100 [00:01<00:10, train_loss_step=0.5, val_loss=0.75]",
         "step=210 epoch=3: train_loss_step=0.5 val_loss=0.75"},
        {"Step 50/100000; acc:   6.47; ppl: 5000.0; lr: 0.01; 2000/2000 tok/s; 10 sec",
         "step=50: acc=6.47 ppl=5000 lr=0.01"},
        {"| epoch 001 | loss 3.2 | ppl 4.3 | wps 1000 | num_updates 500 | gnorm 1.2 | clip 0",
         "step=500 epoch=1: loss=3.2 ppl=4.3 gnorm=1.2"},
        {"epoch 1 loss: tensor(0.5312, device='cuda:0')", "epoch=1: loss=0.5312"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[300];
        snprintf(expected, sizeof expected, "row%s%s\n", strncmp(cases[i].row, ":", 1) ? " " : "",
                 cases[i].row);
        reads(cases[i].line, expected);
    }
}

/* espnet2/train/reporter.py: batches since the epoch's begin, and the epoch's end. */
static void espnets_batches_are_of_an_epoch(void **state)
{
    (void)state;
    reads("[n1] 2025-03-01 10:00:00,123 (trainer:737) INFO: 1epoch:train:1-100batch: "
          "iter_time=1.2e-04, loss_ctc=3.5, loss=2.5, grad_norm=3.25, optim0_lr0=0.001\n"
          "[n1] (trainer:737) INFO: 1epoch:train:101-200batch: loss=2.25, time=1.5\n"
          "[n1] (trainer:338) INFO: 1epoch results: [train] loss=2.375, time=25 minutes and 14.34 "
          "seconds, total_count=200, [valid] loss=2.125, acc=0.5, time=14.3 seconds\n"
          "[n1] (trainer:737) INFO: 2epoch:train:1-100batch: loss=2\n",
          "row train step=100 epoch=1 time=1740823200123: loss_ctc=3.5 loss=2.5 grad_norm=3.25 "
          "optim0_lr0=0.001\n"
          "row train step=200 epoch=1: loss=2.25\n"
          "row step=200 epoch=1: loss epoch=2.375 val loss=2.125 val acc=0.5\n"
          "row train step=300 epoch=2: loss=2\n");
}

/* nnunetv2/training/nnUNetTrainer/nnUNetTrainer.py; nnunet/training/network_training/
 * network_trainer.py of version 1. Steps are epochs. */
static void nnunet_tells_the_epoch_on_a_line_of_its_own(void **state)
{
    (void)state;
    reads("2025-03-01 10:00:00: This split has 104 training and 27 validation cases.\n"
          "2025-03-01 10:00:00: \n"
          "2025-03-01 10:00:00: Epoch 12\n"
          "2025-03-01 10:00:00: Current learning rate: 0.01\n"
          "2025-03-01 10:00:00: train_loss -0.5\n2025-03-01 10:00:00: val_loss -0.25\n"
          "2025-03-01 10:00:00: Epoch time: 101.52 s\n",
          "row epoch=12 time=1740823200000: Current learning rate=0.01\n"
          "row train epoch=12 time=1740823200000: train_loss=-0.5\n"
          "row eval epoch=12 time=1740823200000: val_loss=-0.25\n");
    reads("2021-03-01 10:00:00: \nepoch:  3\n2021-03-01 10:00:00: train loss : -0.5\n"
          "2021-03-01 10:00:00: validation loss: -0.25\n2021-03-01 10:00:00: lr: 0.0099\n"
          "2021-03-01 10:00:00: This epoch took 167.612 s\n",
          "row train epoch=3 time=1614592800000: train loss=-0.5\n"
          "row eval epoch=3 time=1614592800000: validation loss=-0.25\n"
          "row epoch=3 time=1614592800000: lr=0.0099\n");
    /* Behind a date only a place is one. */
    reads("2025-03-01 10:00:00 - INFO - Epoch 2\n"
          "2025-03-01 10:00:00 - INFO - Saving after step 7\nloss: 0.5\n",
          "row epoch=2: loss=0.5\n");
}

/* mace/tools/train.py; tensorflow_estimator's estimator.py; paddle/hapi/callbacks.py. */
static void evaluations_are_known_by_their_lines(void **state)
{
    (void)state;
    reads("2025-03-01 10:00:00.000 INFO: Epoch 3: head: default, loss=  0.25, RMSE_E_per_atom=   "
          "12.50 meV, RMSE_F=   50.00 meV / A\n",
          "row eval epoch=3 time=1740823200000: loss=0.25 RMSE_E_per_atom=12.5 RMSE_F=50\n");
    reads("INFO:tensorflow:loss = 0.5, step = 100\n"
          "INFO:tensorflow:Saving dict for global step 100: accuracy = 0.75, global_step = 100, "
          "loss = 0.625\n",
          "row step=100: loss=0.5\nrow eval step=100: accuracy=0.75 loss=0.625\n");
    reads("Epoch 1/2\nstep 100/200 - loss: 2.5 - acc: 0.5 - 25ms/step\n"
          "step 200/200 - loss: 2.25 - acc: 0.5 - 25ms/step\nEval begin...\n"
          "step 10/79 - loss: 2.125 - acc: 0.5 - 9ms/step\n"
          "step 79/79 - loss: 2.0 - acc: 0.625 - 9ms/step\nEval samples: 10000\n"
          "Epoch 2/2\nstep 100/200 - loss: 1.5 - acc: 0.5 - 25ms/step\n",
          "row step=100 epoch=1: loss=2.5 acc=0.5\nrow step=200 epoch=1: loss=2.25 acc=0.5\n"
          "row eval step=200 epoch=1: loss=2.125 acc=0.5\n"
          "row eval step=200 epoch=1: loss=2 acc=0.625\n"
          "row step=300 epoch=2: loss=1.5 acc=0.5\n");
}

/* Sockeye counts batches from the training's begin. */
static void batches_may_go_on_over_epochs(void **state)
{
    (void)state;
    reads("Epoch[0] Batch [50]\tcross-entropy=2.5\nEpoch[1] Batch [100]\tcross-entropy=2.25\n"
          "Epoch[2] Batch [150]\tcross-entropy=2.125\n",
          "row step=50 epoch=0: cross-entropy=2.5\nrow step=100 epoch=1: cross-entropy=2.25\n"
          "row step=150 epoch=2: cross-entropy=2.125\n");
}

static void a_line_of_training_and_validation_names_both(void **state)
{
    (void)state;
    reads("Epoch 51 |   Train Loss: 8.6 | Token Acc: 0.06 |   Val Loss: 8.7 | Token Acc: 0.07\n",
          "row epoch=51: Train Loss=8.6 Token Acc=0.06 Val Loss=8.7 val Token Acc=0.07\n");
    reads("Epoch 2 - Validation - loss: 0.5 acc: 0.9\n", "row eval epoch=2: loss=0.5 acc=0.9\n");
}

static void numbers_in_noise_are_not_seen(void **state)
{
    (void)state;
    reads("Epoch 00005: val_loss improved from 0.50 to 0.40, saving model to /a/model-05-0.40.h5\n"
          "Loaded 500 images from /data/v1.2.3/train.loss in 3.5 seconds\n"
          "torch 2.1.0 cuda 11.8 accuracy_lib==0.3.1 10.0.0.1:8080 at 0x7f12\n"
          "Loading model cost 0.644 seconds.\n"
          "Registered loss function 12\n"
          "If the loss is 0.5 then all is well\n"
          "best val loss 0.3 at epoch 2\n"
          "STAGE:2025-04-07 10:29:46 22264:22264 Controller.cpp:314] Completed Stage: Warm Up\n"
          "Info:{\"accuracy\": \"0.10\", \"loss\": \"0.2\", \"train_size\": \"60000\"}\n",
          "");
}

static void settings_are_told(void **state)
{
    (void)state;
    reads("Namespace(batch_size=20, betas=(0.9, 0.99), model='GRU', note='a, b')\n"
          "python train.py --lr=5e-4 --fp16 --epochs 6\n"
          "  adam_beta1 ...................................... 0.9\n",
          "parameter batch_size=20\nparameter betas=(0.9, 0.99)\nparameter model=GRU\n"
          "parameter note=a, b\nparameter lr=5e-4\nparameter fp16=true\nparameter epochs=6\n"
          "parameter adam_beta1=0.9\n");
}

static void an_end_stands_if_no_row_follows(void **state)
{
    (void)state;
    reads("step 1 loss 0.5\nTraceback (most recent call last):\n"
          "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n",
          "row step=1: loss=0.5\nevent 4 step=1\n");
    reads("step 1 loss 0.5\nTraceback (most recent call last):\nstep 2 loss 0.4\n",
          "row step=1: loss=0.5\nrow step=2: loss=0.4\n");
    reads("step 1 loss 0.5\nTraceback (most recent call last):\nKeyboardInterrupt\n",
          "row step=1: loss=0.5\nevent 5 step=1\n");
    reads("step 1 loss 0.5\nTraining completed.\n", "row step=1: loss=0.5\nevent 3 step=1\n");
}

static void other_files_are_not_taken_for_logs(void **state)
{
    (void)state;
    assert_true(
        probe_of(&tw_log_format_text, "step 1 loss 0.5\nstep 2 loss 0.4\nstep 3 loss 1\n") >= 20);
    /* A cost is a loss where a step is told. */
    assert_true(
        probe_of(&tw_log_format_text, "Up. 5 : Cost 9.5\nUp. 6 : Cost 9\nUp. 7 : Cost 8\n") >= 50);
    assert_true(probe_of(&tw_log_format_text, "Cost: 9.5\nCost: 8.25\nCost: 7\n") < 30);
    assert_int_equal(probe_of(&tw_log_format_text, ""), 0);
    assert_int_equal(probe_of(&tw_log_format_text, "all: build\n\tcc -O2 a.c\n# version 1.2.3\n"),
                     0);
}

/* It speaks of losses, and is found only where it is named. */
static void a_table_about_runs_is_no_log_of_one(void **state)
{
    static const char head[] = "file\tlabel\treason\tonset\n";
    static const char rows[] = "a.csv\thealthy\tloss 11.4->3.88, grad_norm 0.183\t0\n"
                               "b.csv\toverflow\tloss nan at step 9\t9\n"
                               "c.csv\tdivergence\tloss 3 to 80\t7\n";
    char text[400];
    (void)state;
    snprintf(text, sizeof text, "%s%s", head, rows);
    assert_true(probe_of(&tw_log_format_text, text) >= 12);
    assert_true(probe_of(&tw_log_format_text, text) < 50);
    assert_true(probe_of(&tw_log_format_text, rows) >= 50);
    /* A training that prints tabs. */
    assert_true(probe_of(&tw_log_format_text,
                         "Epoch: [0][1/5]\tTime 0.1\tLoss 6.9\tAcc 1.5\n"
                         "Epoch: [0][2/5]\tTime 0.1\tLoss 6.8\tAcc 1.5\n"
                         "Epoch: [0][3/5]\tTime 0.1\tLoss 6.7\tAcc 1.5\n"
                         "Epoch: [0][4/5]\tTime 0.1\tLoss 6.6\tAcc 1.5\n") >= 50);
}

static void damage_is_survived(void **state)
{
    (void)state;
    assert_survives_damage(
        &tw_log_format_text,
        "Namespace(lr=20, betas=(0.9, 0.99), model='GRU')\n"
        "Epoch: [0][  1/500]\tTime  0.1 ( 0.1)\tLoss 6.9e+00 (7.0e+00)\tAcc@1   1.5 (  1.0)\n"
        "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.300039 val_loss: 1,234 tensor(0.5)\n"
        "| end of epoch   1 | time: 23.49s | valid loss  5.48 | valid ppl   239.90\n"
        "Test: [ 10/196]\tLoss 5.2e+00 (5.3e+00)\n[3/10][120/500] Loss_D: 1.2 D(G(z)): 0.3 / 0.1\n"
        "Loss at step 100: 0.512\n  beta ............... 0.9\n2023-01-02 03:04:05,678 loss 1");
}

/* What is quadratic in the length of a line would not come back. */
static void lines_of_a_mebibyte_are_read(void **state)
{
    static const char *const pieces[] = {"9", "[", "nan(", "1/", "{'a':", "loss=1 ", " - ", "--a "};
    size_t size = 1 << 20;
    char *line = malloc(size + 1);
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct log_rows rows = {0};
        struct tw_error error = {0};
        for (size_t k = 0; k < size; k++)
            line[k] = pieces[i][k % strlen(pieces[i])];
        assert_int_equal(log_rows_read(&tw_log_format_text, "x", line, size, 0, &rows, &error), 0);
        free(rows.text);
    }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorchs_imagenet_example_is_read),
        cmocka_unit_test(samples_in_brackets_are_no_steps),
        cmocka_unit_test(steps_go_on_over_epochs),
        cmocka_unit_test(readings_follow_the_place),
        cmocka_unit_test(a_count_in_brackets_is_the_step_of_pairs),
        cmocka_unit_test(whether_steps_begin_anew_is_seen_at_the_second_epoch),
        cmocka_unit_test(a_named_step_is_one_rather_than_a_number_in_front),
        cmocka_unit_test(a_comma_may_be_that_of_decimals),
        cmocka_unit_test(colours_hide_no_log),
        cmocka_unit_test(places_are_told_in_many_ways),
        cmocka_unit_test(espnets_batches_are_of_an_epoch),
        cmocka_unit_test(nnunet_tells_the_epoch_on_a_line_of_its_own),
        cmocka_unit_test(evaluations_are_known_by_their_lines),
        cmocka_unit_test(batches_may_go_on_over_epochs),
        cmocka_unit_test(a_line_of_training_and_validation_names_both),
        cmocka_unit_test(numbers_in_noise_are_not_seen),
        cmocka_unit_test(settings_are_told),
        cmocka_unit_test(an_end_stands_if_no_row_follows),
        cmocka_unit_test(other_files_are_not_taken_for_logs),
        cmocka_unit_test(a_table_about_runs_is_no_log_of_one),
        cmocka_unit_test(two_counts_behind_a_head_are_an_epoch_and_a_batch),
        cmocka_unit_test(a_count_may_stand_between_a_name_and_its_reading),
        cmocka_unit_test(an_epoch_may_be_told_behind_its_batches),
        cmocka_unit_test(damage_is_survived),
        cmocka_unit_test(lines_of_a_mebibyte_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
