"""Every older spelling and its present form, as the documentation shows them: ``python -m leyden_legacy.table``."""

from __future__ import annotations

from importlib import import_module

from leyden_legacy import calls, hooks, members, options, signatures, values
from leyden_legacy.options.base import Keyword

Rows = list[tuple[str, str]]

STEPS: Rows = [
    (
        "training_step(batch, batch_idx, optimizer_idx) with several optimizers",
        "automatic_optimization = False",
    ),
    ("training_step(batch, batch_idx, hiddens) with truncated_bptt_steps", "automatic_optimization = False"),
    ("'frequency' beside 'optimizer' in configure_optimizers", "automatic_optimization = False"),
    ("training_step_end, validation_step_end, test_step_end", "the end of the step"),
    ("a step or epoch end that returns {'log': …, 'progress_bar': …}", "self.log_dict(…)"),
    ("self.log(sync_dist_op=…)", "self.log(reduce_fx=…)"),
    ("self.log(tbptt_reduce_fx=…, tbptt_pad_token=…)", "self.log without them"),
    ("manual_backward(loss, optimizer)", "manual_backward(loss)"),
    ("toggle_optimizer(optimizer, optimizer_idx)", "toggle_optimizer(optimizer)"),
    ("configure_sharded_model", "configure_model"),
    ("self.hparams = …", "save_hyperparameters()"),
]
HOOKS: Rows = [
    ("on_train_batch_start, on_train_batch_end with dataloader_idx", "the same without it"),
    ("on_before_optimizer_step with optimizer_idx", "on_before_optimizer_step(optimizer)"),
    ("on_train_epoch_end, … with outputs", "the same without them; keep what you need in the step"),
    ("on_save_checkpoint of a callback that returns its state", "state_dict()"),
    ("on_load_checkpoint of a callback with its own state", "load_state_dict(state_dict)"),
]


def sections() -> dict[str, Rows]:
    """Older spellings and present forms, by the heading under which they stand."""
    methods = [(f"{name} with 1.x's parameters", modern) for name, modern in signatures.MODERN.items()]
    found = {
        "Keywords of the Trainer": [(f"{one.keyword}=…", one.modern) for one in keywords()],
        "Values of keywords": list(values.ROWS),
        "Steps and logging": STEPS,
        "Methods around the step": methods,
        "Hooks": HOOKS + list(hooks.MODERN.items()),
        "Calls": [
            (f"Trainer.{call}({old}=…)", f"Trainer.{call}({new}=…)")
            for (call, old), new in calls.CALLS.items()
        ],
        "Attributes of a Trainer": [(name, modern) for name, (modern, _) in members.TRAINER.items()],
        "Attributes of the Trainer's class": [(name, modern) for name, (modern, _) in members.CLASS.items()],
        "Data modules": [(name, modern) for name, (modern, _) in members.DATA.items()],
    }
    return found


def keywords() -> list[type[Keyword]]:
    """The older keywords of the Trainer."""
    modules = [import_module(f"{options.__name__}.{name}") for name in ("devices", "parts", "loop")]
    return [
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Keyword) and one.__module__ == module.__name__
    ]


def markdown() -> str:
    """The tables of the documentation."""
    parts = []
    for heading, rows in sections().items():
        lines = [f"| `{old}` | {modern.replace('|', chr(92) + '|')} |" for old, modern in rows]
        parts.append("\n".join([f"### {heading}", "", "| Lightning 1.x | now |", "|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
