"""A training by PyTorch that logs to TensorBoard and knows nothing of trainward: a small network that
learns, until its learning rate is raised to a thousand times what it was. Says on standard output when
each step was on disk: "STEP SECONDS"."""

import sys
import time

import torch
from torch.utils.tensorboard import SummaryWriter

STEPS, RAISED_AT, STEP_SECONDS = 400, 250, .02

torch.manual_seed(1)
torch.set_num_threads(1)
inputs = torch.randn(2048, 16)
targets = torch.sin(inputs @ torch.randn(16, 1)) + .1 * torch.randn(2048, 1)
model = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64),
                            torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=.05, momentum=.9)
writer = SummaryWriter(sys.argv[1])
for step in range(1, STEPS + 1):
    begun = time.monotonic()
    if step == RAISED_AT:
        for group in optimizer.param_groups:
            group["lr"] *= 1000
    batch = torch.randint(len(inputs), (64,))
    loss = torch.nn.functional.mse_loss(model(inputs[batch]), targets[batch])
    optimizer.zero_grad()
    loss.backward()
    grad_norm = torch.nn.utils.get_total_norm(p.grad for p in model.parameters())
    optimizer.step()
    writer.add_scalar("train/loss", loss.item(), step)
    writer.add_scalar("train/grad_norm", grad_norm.item(), step)
    writer.add_scalar("train/lr", optimizer.param_groups[0]["lr"], step)
    writer.flush()
    print(step, time.time(), flush=True)
    time.sleep(max(0, STEP_SECONDS - (time.monotonic() - begun)))
writer.close()
