"""Records what PyTorch's optimizers, schedules and losses do, as C for the unit tests:

    python -m venv V && V/bin/pip install torch && V/bin/python tests/tools/record_pytorch.py >tests/data/pytorch.h

The optimizers go 100 steps down a small problem, in float32: f(w) = sum c_i (w_i - a_i)^2 / 2 with
curvatures c from 0.1 to 10, so that every weight's gradient changes size and sign on the way. The
test computes the gradients itself: they depend on all the weights before.
"""

import torch

N = 19  # no multiple of a vector's width
CURVATURES = [0.1 * 100 ** (i / (N - 1)) for i in range(N)]
GOALS = [(7 * i % 11 - 4.5) / 2 for i in range(N)]
STARTS = [(5 * i % 7 - 3) / 2 for i in range(N)]
STEPS = 100
SHOWN = [1, 2, 10, 50, 100]

OPTIMIZERS = [
    ("sgd", {"lr": 0.05, "momentum": 0}),
    ("sgd", {"lr": 0.05, "momentum": 0, "weight_decay": 0.1}),
    ("sgd", {"lr": 0.02, "momentum": 0.9}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    ("sgd", {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("adam", {"lr": 0.05}),
    ("adam", {"lr": 0.05, "weight_decay": 0.1}),
    ("adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-3}),
    ("adamw", {"lr": 0.05, "weight_decay": 0}),
    ("adamw", {"lr": 0.05, "weight_decay": 0.1}),
]
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def braces(values):
    return "{" + ", ".join(f"{float(value):.9g}" for value in values) + "}"


def weights_of(name, options):
    """The weights after each step of SHOWN."""
    weights = torch.nn.Parameter(torch.tensor(STARTS))
    curvatures, goals = torch.tensor(CURVATURES), torch.tensor(GOALS)
    optimizer = CLASSES[name]([weights], **options)
    shown = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        (curvatures * (weights - goals) ** 2 / 2).sum().backward()
        optimizer.step()
        if step in SHOWN:
            shown.append(weights.detach().tolist())
    return shown


def print_optimizers():
    print(f"#define PROBLEM_WEIGHTS {len(STARTS)}\n#define SHOWN_STEPS {len(SHOWN)}")
    print(f"static const float curvatures[] = {braces(CURVATURES)};")
    print(f"static const float goals[] = {braces(GOALS)};")
    print(f"static const float starts[] = {braces(STARTS)};")
    print(f"static const uint64_t shown_steps[] = {braces(SHOWN)};")
    print("static const struct {\n    const char *optimizer;\n    double learning_rate;\n"
          "    struct tw_optimizer_config config;\n"
          "    float weights[SHOWN_STEPS][PROBLEM_WEIGHTS];\n} recorded_optimizers[] = {")
    for name, options in OPTIMIZERS:
        beta1, beta2 = options.get("betas", (0.9, 0.999))
        fields = [f".weight_decay = {options.get('weight_decay', 0)}"]
        if name == "sgd":
            fields += [f".momentum = {options['momentum']}",
                       f".nesterov = {str(options.get('nesterov', False)).lower()}"]
        else:
            fields += [f".beta1 = {beta1}", f".beta2 = {beta2}",
                       f".epsilon = {options.get('eps', 1e-8)}"]
        rows = ", ".join(braces(row) for row in weights_of(name, options))
        print(f'    {{"{name}", {options["lr"]}, {{{", ".join(fields)}}}, {{{rows}}}}},')
    print("};")


def factors(make, steps):
    """The learning rate of each step, at a base rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    shown = []
    for _ in range(steps):
        shown.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return shown


def warmed_up(make, warmup, total):
    """A line from 1/warmup to 1, then the schedule: how PyTorch's own parts are put together."""
    lr = torch.optim.lr_scheduler

    def build(optimizer):
        if not warmup:
            return make(optimizer, total)
        line = lr.LinearLR(optimizer, start_factor=1 / warmup, end_factor=1.0,
                           total_iters=warmup - 1)
        return lr.SequentialLR(optimizer, [line, make(optimizer, total - warmup)], [warmup])
    return factors(build, total)


def print_schedules():
    lr = torch.optim.lr_scheduler
    makes = [
        ("cosine", lambda optimizer, n: lr.CosineAnnealingLR(optimizer, T_max=n)),
        ("step", lambda optimizer, n: lr.MultiStepLR(
            optimizer, [-(-n // 3), -(-2 * n // 3)], gamma=0.1)),
        ("linear", lambda optimizer, n: lr.LinearLR(
            optimizer, start_factor=1.0, end_factor=0.0, total_iters=n)),
        ("constant", lambda optimizer, n: lr.ConstantLR(optimizer, factor=1.0, total_iters=n)),
    ]
    print("#define SCHEDULE_STEPS 30")
    print("static const struct {\n    const char *schedule;\n    uint64_t warmup_steps;\n"
          "    double factors[SCHEDULE_STEPS];\n} recorded_schedules[] = {")
    for name, make in makes:
        for warmup in (0, 6):
            print(f'    {{"{name}", {warmup}, {braces(warmed_up(make, warmup, 30))}}},')
    print("};")


LOGITS = [[2.0, -1.0, 0.5, 0.0], [-3.0, 4.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4], [30.0, -30.0, 0.0, 5.0],
          [-2.0, -2.5, -1.5, 6.0]]
LABELS = [0, 2, 3, 1, 3]
VALUES = [1.5, -0.5, 0.0, 12.0, -7.25]


def print_loss(name, loss, outputs):
    loss.backward()
    print(f"static const double recorded_{name} = {loss.item():.9g};")
    print(f"static const float recorded_{name}_gradient[] = {braces(outputs.grad.flatten())};")


def print_losses():
    print(f"static const float logits[] = {braces(torch.tensor(LOGITS).flatten())};")
    print(f"static const uint8_t labels[] = {braces(LABELS)};")
    print(f"static const float values[] = {braces(VALUES)};")
    labels = torch.tensor(LABELS)
    outputs = torch.tensor(LOGITS, requires_grad=True)
    print_loss("cross_entropy", torch.nn.CrossEntropyLoss()(outputs, labels), outputs)
    outputs = torch.tensor(LOGITS, requires_grad=True)
    one_hot = torch.nn.functional.one_hot(labels, 4).float()
    print_loss("one_hot_mse", torch.nn.MSELoss()(outputs, one_hot), outputs)
    outputs = torch.tensor([row[0] for row in LOGITS], requires_grad=True)
    print_loss("mse", torch.nn.MSELoss()(outputs, torch.tensor(VALUES)), outputs)


def main():
    print("/* What PyTorch does with the same numbers; written by tests/tools/record_pytorch.py with "
          f"torch\n * {torch.__version__} on a CPU. */\n// clang-format off")
    print_optimizers()
    print_schedules()
    print_losses()


main()
