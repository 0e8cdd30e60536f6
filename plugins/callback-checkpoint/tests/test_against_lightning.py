"""The same fits with Lightning: same names, scores and states."""

from __future__ import annotations

from typing import Any

import pytest

FALLING = [0.9, 0.5, 0.7, 0.3, 0.8, 0.2, 0.4, 0.6, 0.1, 0.95, 0.05, 0.55, 0.65]


def score(step: int) -> float:
    return FALLING[step % len(FALLING)]


def not_a_number(step: int) -> float:
    return float("nan") if step in (2, 6) else score(step)


CONFIGURATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defaults": ({}, {}),
    "default folder": ({"dirpath": None}, {}),
    "all": ({"save_top_k": -1}, {}),
    "none": ({"save_top_k": 0}, {}),
    "none but last": ({"save_top_k": 0, "save_last": True}, {"max_epochs": 1}),
    "best": ({"monitor": "val_loss"}, {}),
    "best two": ({"monitor": "val_loss", "save_top_k": 2}, {}),
    "best two of max": ({"monitor": "val_loss", "save_top_k": 2, "mode": "max"}, {}),
    "all with scores": ({"monitor": "val_loss", "save_top_k": -1}, {}),
    "nan": ({"monitor": "val_loss", "save_top_k": 2}, {"score": not_a_number}),
    "nan of max": ({"monitor": "val_loss", "save_top_k": 3, "mode": "max"}, {"score": not_a_number}),
    "train metric": ({"monitor": "train_loss", "save_top_k": 2}, {}),
    "epoch metric": ({"monitor": "epoch_loss", "save_top_k": 2}, {}),
    "train metric by step": ({"monitor": "train_loss", "save_top_k": 2, "every_n_train_steps": 1}, {}),
    "template": ({"monitor": "val_loss", "filename": "{epoch:02d}-{val_loss:.2f}", "save_top_k": 2}, {}),
    "folders": ({"monitor": "val_loss", "filename": "e{epoch}/{val_loss:.3f}", "save_top_k": -1}, {}),
    "bare values": ({"filename": "n{epoch}-{step}", "auto_insert_metric_name": False, "save_top_k": -1}, {}),
    "unknown metric": ({"filename": "{epoch}-{nothing:.1f}-{nobody}"}, {}),
    "fixed name": ({"monitor": "val_loss", "filename": "best"}, {}),
    "fixed name, two": ({"monitor": "val_loss", "filename": "best", "save_top_k": 2}, {}),
    "fixed name, latest": ({"filename": "latest"}, {}),
    "fixed name, all": ({"filename": "each", "save_top_k": -1}, {}),
    "no counter": ({"filename": "each", "save_top_k": -1, "enable_version_counter": False}, {}),
    "last": ({"save_last": True, "save_top_k": -1}, {}),
    "last as link": ({"save_last": "link", "monitor": "val_loss", "save_top_k": 2}, {}),
    "every second epoch": ({"every_n_epochs": 2, "save_top_k": -1}, {}),
    "never": ({"every_n_epochs": 0}, {}),
    "every second step": ({"every_n_train_steps": 2, "save_top_k": -1, "save_last": True}, {"batches": 3}),
    "every third step": ({"every_n_train_steps": 3}, {"batches": 4}),
    "weights only": ({"save_weights_only": True}, {}),
    "validation twice": (
        {"monitor": "val_loss", "save_top_k": -1},
        {"batches": 4, "val_check_interval": 0.5},
    ),
    "validation every batch": ({"monitor": "val_loss", "save_top_k": 2}, {"val_check_interval": 1}),
    "validation every second epoch": (
        {"monitor": "val_loss", "save_top_k": -1},
        {"check_val_every_n_epoch": 2, "max_epochs": 4},
    ),
    "validation over epochs": (
        {"monitor": "val_loss", "save_top_k": -1},
        {"check_val_every_n_epoch": None, "val_check_interval": 3, "max_epochs": 4},
    ),
    "at the training epoch's end": (
        {"save_on_train_epoch_end": True, "save_top_k": -1},
        {"val_check_interval": 0.5},
    ),
    "at validation's end": ({"save_on_train_epoch_end": False, "save_top_k": -1}, {}),
    "nothing validated": ({"save_top_k": -1}, {"validates": False}),
    "no validation batches": ({"save_top_k": -1}, {"limit_val_batches": 0}),
    "trying": ({}, {"fast_dev_run": True}),
    "accumulation": (
        {"every_n_train_steps": 1, "save_top_k": -1},
        {"accumulate_grad_batches": 2, "batches": 5},
    ),
    "a limit of steps": ({"save_top_k": -1}, {"max_steps": 3, "max_epochs": 5}),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_files_and_state(name: str, both: Any) -> None:
    arguments, run = CONFIGURATIONS[name]
    found = []
    for bench in both:
        callback = bench.checkpoint(**arguments)
        bench.fit(callback, **{"max_epochs": 3, "score": score, **run})
        folder = "ckpts" if callback.dirpath.endswith("ckpts") else "checkpoints"
        found.append(
            (bench.files(folder), bench.state(callback), list(callback.state_dict()), callback.state_key)
        )
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["defaults", "best two", "fixed name, two", "last", "no counter"])
def test_a_second_run_in_the_folder_takes_other_names(name: str, both: Any) -> None:
    arguments, run = CONFIGURATIONS[name]
    found = []
    for bench in both:
        for _ in range(2):
            callback = bench.checkpoint(**arguments)
            bench.fit(callback, **{"max_epochs": 3, "score": score, **run})
        found.append((bench.files(), bench.state(callback)))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["defaults", "best two", "all with scores", "last", "every second step"])
def test_a_resumed_run_goes_on_with_its_files(name: str, both: Any) -> None:
    arguments, run = CONFIGURATIONS[name]
    found = []
    for bench in both:
        callback = bench.checkpoint(**arguments)
        bench.fit(callback, **{"max_epochs": 2, "score": score, **run})
        newest = callback.last_model_path or max(
            bench.folder.rglob("*.ckpt"), key=lambda one: one.stat().st_mtime_ns
        )
        again = bench.checkpoint(**arguments)
        bench.fit(again, **{"score": score, **run, "max_epochs": 5}, ckpt_path=newest)
        found.append((bench.files(), bench.state(again)))
    assert found[0] == found[1]


@pytest.mark.parametrize("last", ["{epoch}-last", "{epoch}-{val_loss:.1f}-last", "final"])
def test_the_last_checkpoint_has_a_template_too(last: str, both: Any) -> None:
    found = []
    for bench in both:
        callback = bench.checkpoint(save_last=True)
        callback.CHECKPOINT_NAME_LAST = last
        bench.fit(callback, max_epochs=3, score=score)
        found.append((bench.files(), bench.state(callback)))
    assert found[0] == found[1]


@pytest.mark.parametrize("separators", [("_", ":"), ("+", "~")])
def test_separators_and_extension_can_be_changed(separators: tuple[str, str], both: Any) -> None:
    found = []
    for bench in both:
        callback = bench.checkpoint(save_top_k=-1)
        callback.CHECKPOINT_JOIN_CHAR, callback.CHECKPOINT_EQUALS_CHAR = separators
        callback.STARTING_VERSION = 7
        bench.fit(callback, max_epochs=2)
        bench.fit(callback, max_epochs=2)
        found.append((bench.files(), bench.state(callback)))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("template", "metrics", "options"),
    [
        (None, {"epoch": 3, "step": 7}, {}),
        ("{epoch:03d}-{a/b:.2f}", {"epoch": 3, "a/b": 0.126}, {}),
        ("{epoch}-{loss}", {"epoch": 1, "loss": 0.5}, {"ver": 3}),
        ("{epoch}", {"epoch": 1}, {"prefix": "best"}),
        ("{epoch}", {"epoch": 1}, {"prefix": "x", "ver": 2}),
        ("{missing:d}-{gone:.1f}", {}, {}),
        ("plain", {}, {}),
        ("{epoch}{step}", {"epoch": 1, "step": 2}, {}),
    ],
)
@pytest.mark.parametrize("insert", [True, False])
def test_names(template: str | None, metrics: Any, options: Any, insert: bool, both: Any) -> None:
    names = []
    for bench in both:
        callback = bench.checkpoint(filename=template, auto_insert_metric_name=insert)
        names.append(bench.plain(callback.format_checkpoint_name(dict(metrics), **options)))
    assert names[0] == names[1]


def test_a_state_of_lightning_is_taken(both: Any) -> None:
    ours, theirs = both
    arguments: dict[str, Any] = {"monitor": "val_loss", "save_top_k": 2, "save_last": True}
    callback = theirs.checkpoint(**arguments)
    theirs.fit(callback, max_epochs=4, score=score)
    taken = type(ours.checkpoint())(theirs.folder / "ckpts", **arguments)
    taken.load_state_dict(callback.state_dict())
    assert theirs.state(taken) == theirs.state(callback)
    given = theirs.checkpoint(**arguments)
    given.load_state_dict(taken.state_dict())
    again = theirs.state(callback)
    again["current_score"] = None
    assert theirs.state(given) == again


def test_a_scores_file_reads_the_same(both: Any) -> None:
    yaml = pytest.importorskip("yaml")
    found = []
    for bench in both:
        callback = bench.checkpoint(monitor="val_loss", save_top_k=3)
        bench.fit(callback, max_epochs=4, score=lambda step: 10.0 ** (step - 7))
        callback.to_yaml()
        text = (bench.folder / "ckpts" / "best_k_models.yaml").read_text()
        found.append(bench.plain(yaml.safe_load(text)))
    assert found[0] == found[1]
    assert len(found[0]) == 3
