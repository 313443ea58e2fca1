"""Made-up notifications, and a tool that sends them by a sink."""

import json
import math
import pathlib

from support import programs

PLACE = pathlib.Path(programs.BIN)
HELPER = PLACE / "trainward-esmtp"


def alert(**more):
    points = [[10 * i, round(2.3 * math.exp(-i / 40) + 0.3, 4)] for i in range(82)]
    points += [[820 + 10 * i, None if i > 12 else round(0.7 * 1.6 ** i, 3)] for i in range(18)]
    return {
        "status": "firing", "episode_id": "a7c1" * 8, "event_id": "0d" * 16, "run": "exp7",
        "run_name": "resnet-3", "project": "vision", "user": "ada", "host": "node3", "labels": {},
        "detector": "gradient-explosion", "scope": "layer:fc2", "severity": "critical",
        "title": "gradient explosion in layer fc2", "state": "open",
        "message": "The gradient norm of layer fc2 is 54 times its median since step 820, and the loss "
                   "follows it upwards.",
        "onset_step": 820, "detected_step": 850, "starts_at": "2026-07-31T09:15:00.250Z",
        "evidence": "gradient norm / its median: 54.25, above 10 (normal 1.1), steps 820 to 850",
        "evidence_raw": {"statistic": "gradient norm / its median", "value": 54.25,
                         "layer_kind": "linear"},
        "suggestions": [
            {"parameter": "learning_rate", "from": "0.3", "to": "0.03",
             "change_text": "0.3 → 0.03 (×0.1)",
             "why": "The gradient norm is 54 times its median, and has been since the warm-up ended.",
             "verify_text": "grad_norm below 2.2 within 200 steps", "rule": "a", "raw": {}},
            {"parameter": "precision", "change_text": "→ bf16", "why": "Its range is wider.",
             "verify_text": "skipped_steps below 1 within 50 steps", "rule": "b", "raw": {}}],
        "chart": {"signal": "loss", "points": points, "onset_step": 820, "detected_step": 850},
        "link": "https://kibana.example.org/app/dashboards#/view/run?run=exp7",
        "silence_command": "trainward silence add --run exp7 --for 4h --reason ...",
        "feedback_command": f"trainward feedback {'a7c1' * 8} false-alarm", **more}


def notification(to, **more):
    return {
        "id": "5e" * 16, "thread_id": "7f" * 16, "receiver": "team-mail", "route": "default",
        "kind": "group", "status": "firing", "to": [to] if isinstance(to, str) else to,
        "group_key": "vision", "group_labels": {"project": "vision"},
        "title": "resnet-3: gradient explosion in layer fc2 (critical)", "severity": "critical",
        "is_resolved": False, "is_digest": False, "is_summary": False, "is_several": False,
        "is_repeat": False, "n_alerts": 1, "n_firing": 1, "n_resolved": 0, "n_runs": 1,
        "n_not_shown": 0, "since": "2026-07-31T09:15:00.250Z", "time": "2026-07-31T09:15:30.000Z",
        "alerts": [alert()],
        "footer": {"silence_command": "trainward silence add --project vision --for 4h --reason ...",
                   "config_hint": "who is told what: sinks, 'team-mail' of the agent's configuration"},
        **more}


def command(transport, server, copies=1, **options):
    """Of the tool that sends. What is no string is a list: an option that is given again."""
    settings = {"from": "advisor@trainward.test", "to": "nobody@trainward.test",
                "transport": transport, "server": server, "esmtp_helper": HELPER, "timeout": "10s",
                **options}
    return ["tests/tools/send_notifications", "email", str(copies),
            *[f"{name.rstrip('_')}={value}" for name, value in settings.items()]]


def send(made, transport, server, copies=1, wait=60, **options):
    """Each try's outcome and reason."""
    if made is not None and not isinstance(made, list):
        made = [made]
    done = programs.run(*command(transport, server, copies, **options),
                        input="".join(json.dumps(each) + "\n" for each in made), timeout=wait)
    assert done.returncode == 0, done.stderr
    return [(result["outcome"], result["reason"])
            for result in map(json.loads, done.stdout.splitlines())]
