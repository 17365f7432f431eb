import re
import shutil
from functools import partial
from itertools import zip_longest
from pathlib import Path

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from pipeline import compose
from pipeline.config import check, composition, parameters_file
from pipeline.sweep.command import plan
from pipeline.sweep.schema import SweepConfiguration
from pipeline.system.errors import ConfigurationError
from pipeline.system.masking import holds_password, masked
from pipeline.system.paths import CONFIGURATION, PARAMETERS
from pipeline.training.options import Model
from tests.conftest import edit, run


def test_every_option_of_every_group_composes_to_a_valid_configuration() -> None:
    for path in sorted(CONFIGURATION.glob("sweep/*.yaml")):
        composition.compose([f"sweep={path.stem}"], schema=SweepConfiguration)
    for path in sorted(CONFIGURATION.glob("experiment/*.yaml")):  # sets what others choose, too
        composition.compose([f"experiment={path.stem}"])
    groups = [folder for folder in CONFIGURATION.iterdir() if folder.is_dir() and folder.name not in ("sweep", "experiment")]
    options = [[f"{group.name}={path.stem}" for path in sorted(group.glob("*.yaml"))] for group in groups]
    for together in zip_longest(*options):  # an option of each group that has one left
        composition.compose([option for option in together if option])


def test_an_option_that_begins_with_no_other_one_is_told_so_once(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(CONFIGURATION, tmp_path / "conf"))
    (folder / "augment/mine.yaml").write_text("name: mine\nshift_pixels: 1.0\n")
    with pytest.raises(ConfigurationError) as told:
        composition.compose(["augment=mine"], folder)
    assert re.search(r"augment: lacks rotate_degrees, zoom, .*conf/augment/ begin with: defaults: ", str(told.value), re.DOTALL)
    assert "is missing" not in str(told.value)


def test_the_committed_parameters_are_what_conf_composes_to() -> None:
    assert check.read(PARAMETERS) == composition.compose([])


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("model.dropout=1.5", ["model.dropout", "at least 0 and below 1", "given: 1.5"]),
        ("augment.coarse_threshold=[0.9,0.1]", ["augment.coarse_threshold", "the lower end and the upper end", "[0.9, 0.1]"]),
        ("rejection.hands.pen_width=[4,1]", ["rejection.hands.pen_width", "the lower end and the upper end"]),
        ("augment.coarse_threshold=[0.9]", ["a list of 2 entries, each a number at least 0 and at most 1"]),
        ("~model.blocks.1", ["an entry of a list can't be taken away", "model.blocks=[...]"]),
        ("model.dropout=${nope}", ["model.dropout=${nope}", "'nope' not found"]),
        ("xyzzy=1", ["xyzzy", "none is like it", "--print"]),
        ("training.epochs=0", ["training.epochs", "a whole number at least 1", "given: 0"]),
        ("training.epochs=many", ["training.epochs", "a whole number", "given: many (text)"]),
        ("training.epochs=2.5", ["training.epochs", "a whole number", "given: 2.5 (number)"]),
        ("training.deterministic=1", ["training.deterministic", "true or false", "given: 1"]),
        ("optimizer.learning_rate=.inf", ["optimizer.learning_rate", "a number above 0"]),
        ("model.dropot=0.4", ["model.dropot: there is no such key", "nearest is model.dropout", "below 1"]),
        ("+model.dropot=0.4", ["model.dropot: there is no such key", "nearest is model.dropout", "given: 0.4"]),
        ("modle.dropout=0.4", ["modle.dropout", "nearest is model.dropout"]),
        ("model.blocks.1.filtres=3", ["model.blocks.1.filtres", "nearest is model.blocks.1.filters"]),
        (
            "optimizer={rho: 0.5, rha: 1}",
            ["optimizer.rha: there is no such key", "nearest is optimizer.rho", "given: optimizer={"],
        ),
        ("model.blocks={a: 1}", ["Cannot merge", "given: model.blocks={a: 1}"]),
        ("model.blocks.1.pol=3", ["model.blocks.1.pol", "nearest is model.blocks.1.pool"]),  # which conf/ leaves out there
        ("model.block.filtres=3", ["model.block.filtres", "nearest is model.block.filters"]),
        ("model.blocks.1.kernel=0", ["model.blocks.1.kernel", "at least 1 and at most 28", "given: 0"]),
        ("model.blocks.1.pool=28", ["pool of block 1 must fit its input"]),
        ("~model.dropout", ["model.dropout: is missing"]),
        ("optimizer.name=adadlta", ["optimizer.name", "optimizer=adadelta", "given: optimizer.name=adadlta"]),
        ("dataset.name=digits", ["dataset.name", "Choose the option: dataset=digits"]),
        ("+model.name=cnn", ["model.name", "allowed: cnn, mlp"]),
        ("experiment=textbok", ["experiment/textbok", "textbook"]),
        ("export.formats=[keras]", ["must contain h5"]),
        ("model..dropout", ["override"]),
        ("optimizer.rho@here=0.5", ["optimizer.rho"]),
        ("model=null", ["model: is missing"]),
        ("hydra.run.dir=elsewhere", ["hydra.run.dir=elsewhere", "no effect", "Leave it out"]),
        ("hydra/launcher=joblib", ["hydra/launcher=joblib", "no effect"]),
        ("model.dropout=0.3,0.4", ["python -m pipeline.sweep"]),
    ],
)
def test_a_bad_override_is_told_with_its_key_what_is_allowed_and_what_was_given(override: str, says: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        composition.compose([override])
    for words in says:
        assert words in str(raised.value)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (
            ["optimizer=adam", "optimizer.rho=0.9"],
            ["optimizer.rho", "optimizer=adam", "optimizer.beta_1", "given: optimizer.rho=0.9"],
        ),
        (
            ["optimizer=adam", "+optimizer.rho=0.9"],
            ["optimizer.rho", "optimizer=adam", "optimizer.beta_1", "given: 0.9 (number)"],
        ),
        (
            ["model=mlp", "model.blocks.0.filters=48"],
            ["model.blocks.0.filters", "model=mlp", "model.blocks is empty", "given: model"],
        ),
        (
            ["model.dense=[]", "model.dense.0.units=8"],
            ["model.dense.0.units", "model=cnn", "model.dense is empty", "given: model"],
        ),
        (
            ["experiment=textbook", "model.blocks.2.filters=8"],
            ["model.blocks.2.filters", "allowed: model.blocks.0, model.blocks.1\n"],
        ),
        (["dataset=fashion_mnist", "dataset.drawings.repeat=1"], ["dataset=fashion_mnist", "dataset.drawings is empty"]),
    ],
)
def test_a_key_of_another_option_is_told_with_the_keys_that_are_there(overrides: list[str], says: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        composition.compose(overrides)
    told = str(raised.value)
    for words in [*says, "not part of the configuration as composed", "Leave it out"]:
        assert words in told
    refused = told.partition(": is not part of")[0].split()[-1]
    assert refused not in told.partition("allowed: ")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("dropout", ["model.dropout", "model.block.dropout", "model.blocks.0.dropout"]),
        ("epochs", ["training.epochs"]),
        ("seed", ["training.seed"]),
        ("kernel", ["model.block.kernel", "model.blocks.0.kernel"]),
        ("drpout", ["model.dropout", "model.block.dropout", "model.blocks.0.dropout"]),
        ("lr", ["optimizer.learning_rate"]),
        ("patience", ["training.early_stopping_patience"]),
        ("optimzer", ["optimizer"]),
        ("optimizer.lr", ["optimizer.learning_rate"]),
        ("optimizer.nme", ["optimizer.name"]),
        ("training.learning_rate", ["optimizer.learning_rate"]),
        ("augment.shift", ["augment.shift_pixels"]),
    ],
)
def test_the_nearest_key_is_found_without_its_section_and_by_a_short_form(given: str, means: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        composition.compose([f"{given}=3"])
    told = str(raised.value).partition("The nearest ")[2].partition("given")[0]
    assert re.findall(r"([\w.]+): ", told.removeprefix("is ").removeprefix("are:"))[: len(means)] == means
    if means == ["optimizer.name"]:
        assert "one of adadelta, adam, adamw, muon, sgd" in told


@pytest.mark.parametrize(
    ("overrides", "key"),
    [(["sweep=adadelta", "optimizer=adam"], "optimizer.rho"), (["sweep=architecture", "model=mlp"], "model.blocks.0.filters")],
)
def test_of_a_sweeps_key_that_is_not_there_the_remedy_is_told(overrides: list[str], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"(?s){re.escape(key)}: is not part.*{overrides[1]}.*copy.* conf/sweep/"):
        plan(overrides)


@pytest.mark.parametrize("space", ["model.dropout=choice(0.1,1.5,0.2)", "augment.zoom=interval(0.0,1.5)"])
def test_a_value_of_a_sweep_that_is_out_of_bounds_is_told_before_anything_runs(space: str) -> None:
    with pytest.raises(ConfigurationError, match=r"allowed: a number at least 0 and below 1\n    given: 1\.5"):
        plan(["sweep=seeds", space])
    plan(["sweep=seeds", "model.blocks.0.kernel=choice(3,28)", "model.blocks.1.kernel=choice(3,13)"])  # which don't go together


def test_a_parameters_file_of_unknown_keys_alone_is_told_with_keys_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("modle: 1\n")
    with pytest.raises(ConfigurationError, match=r"modle: there is no such key\. The nearest is model"):
        check.load(tmp_path / "params.yaml")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        composition.compose(["model.dropout=2", "training.batch_size=0", "augment.zoom=-1"])
    assert len(re.findall("given:", str(raised.value))) == 3


def test_a_value_of_all_blocks_that_none_takes_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    for given, why in (("filters=8", "each of model.blocks has its own filters"), ("kernel=2", "")):
        compose.main(["--print", f"model.block.{given}"])
        assert capsys.readouterr().err == (why and f"Warning: model.block.filters has no effect, for {why}.\n")
    compose.main(["--print", "model=mlp", "model.block.kernel=5"])
    assert "model.block.kernel has no effect, for model.blocks is empty." in capsys.readouterr().err
    plan(["sweep=seeds", "model.block.filters=choice(8,16)"])
    assert "model.block.filters has no effect" in capsys.readouterr().err


def test_the_package_that_an_experiment_must_name_is_told_if_it_is_missing(changed: Path) -> None:
    (changed / "experiment/mine.yaml").write_text("model:\n  dropout: 0.4\n")
    with pytest.raises(ConfigurationError, match="Let it begin with the line: # @package _global_"):
        composition.compose(["experiment=mine"], folder=changed)
    with pytest.raises(ConfigurationError, match=r"The nearest are:\s+experiment: a file in conf/experiment"):
        composition.compose(["experimnt=mine"])


def test_what_an_experiment_of_dvc_leaves_out_of_the_parameters_is_told(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert changed.is_dir()
    compose.main(["experiment=smoke", "model.dropout=0.4"])
    capsys.readouterr()
    parameters_file.tell_what_is_left_out(composition.compose(["experiment=smoke", "model.dropout=0.3"]))
    assert capsys.readouterr().out == ""
    parameters_file.tell_what_is_left_out(composition.compose(["model.dropout=0.3"]))
    assert capsys.readouterr().out.endswith(
        "composed with experiment=smoke, and this experiment is not. For one that is: -S experiment=smoke\n"
    )
    parameters_file.tell_left_overrides(["model.dropout=0.3"], "sweep")
    assert "and this sweep is not. For one that is: experiment=smoke\n" in capsys.readouterr().out
    edit(tmp_path / "params.yaml", "split_seed: 0", "split_seed: 7")
    parameters_file.tell_what_is_left_out(composition.compose(["experiment=smoke", "model.dropout=0.4"]))
    told = capsys.readouterr().out
    assert told.startswith("Note: params.yaml had been edited by hand")
    assert told.endswith("What differs from the file:\n  dataset.split_seed: 7 -> 0\n")


def test_parameters_stay_where_the_option_that_they_were_composed_with_is_missing(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = changed / "experiment/mine.yaml"
    mine.write_text("# @package _global_\nname: mine\n")
    compose.main(["experiment=mine", "model.dropout=0.4"])
    mine.unlink()
    before = (tmp_path / "params.yaml").read_bytes()
    assert parameters_file.keep() is False
    assert "composed with conf/experiment/mine.yaml, which is not here: it stays as it is" in capsys.readouterr().err
    assert (tmp_path / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("override", ["sweep=grid", "sweep.trials=3", "+sweep.trials=3"])
def test_a_key_of_a_sweep_leads_to_the_sweep(override: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is for python -m pipeline\.sweep"):
        composition.compose([override])


def test_an_experiments_option_of_another_group_without_override_is_told_how_to_write_it(changed: Path) -> None:
    (changed / "experiment/mine.yaml").write_text("# @package _global_\ndefaults: [model: mlp]\nname: mine\n")
    with pytest.raises(ConfigurationError, match=r"is written: - override /model: mlp$"):
        composition.compose(["experiment=mine"], folder=changed)


def test_keeping_the_composition_takes_no_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compose.main(["--keep", "model.dropout=0.3"])
    assert "--keep goes alone" in capsys.readouterr().err


def test_a_learning_rate_that_adadelta_does_not_train_with_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    compose.main(["--print", "optimizer.learning_rate=0.001"])
    assert capsys.readouterr().err.count("optimizer.learning_rate = 0.001") == 1
    compose.main(["--print", "optimizer=adam", "optimizer.learning_rate=0.001"])
    assert capsys.readouterr().err == ""


def test_the_textbook_experiment_is_the_tutorials_network() -> None:
    values = composition.compose(["experiment=textbook"])
    blocks = check.check(values).model.blocks
    assert [(block.filters, block.kernel, block.pool, block.dropout) for block in blocks] == [(32, 3, 1, 0.0), (64, 3, 2, 0.25)]
    assert not any(block.batch_normalization for block in blocks)
    assert values["model"]["dense"] == [{"units": 256, "activation": "relu"}]
    assert (values["model"]["dropout"], values["training"]["batch_size"], values["training"]["epochs"]) == (0.5, 128, 10)
    assert values["optimizer"]["name"] == "adadelta"
    assert values["schedule"] == {"name": "constant"}


def test_a_block_has_what_it_says_and_else_what_all_blocks_have() -> None:
    overrides = ["model.block.dropout=0.2", "model.blocks.0.filters=16", "model.blocks.2.dropout=0.1"]
    model = check.check(composition.compose(overrides)).model
    assert [(block.filters, block.dropout) for block in model.blocks] == [(16, 0.2), (64, 0.2), (96, 0.1)]
    assert model.model_dump()["blocks"][1:] == [{"filters": 64, "stride": 2}, {"filters": 96, "dropout": 0.1}]
    assert Model.model_validate(model.model_dump()) == model


def test_a_bad_value_of_all_blocks_is_told_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        composition.compose(["model.block.dropout=1.5"])
    assert re.findall(r"([\w.]+): not allowed", str(raised.value)) == ["model.block.dropout"]


def test_a_composition_is_printed_without_being_written(capsys: pytest.CaptureFixture[str]) -> None:
    before = PARAMETERS.read_bytes()
    compose.main(["--print", "experiment=textbook", "model.dropout=0.4"])
    printed = yaml.safe_load(capsys.readouterr().out)
    assert (printed["name"], printed["model"]["dropout"]) == ("textbook", 0.4)
    assert PARAMETERS.read_bytes() == before


def test_differences_are_shown_as_yaml_has_them(tmp_path: Path) -> None:
    parameters_file.write({"optimizer": {"weight_decay": None, "name": "adam"}, "formats": ["h5"]}, tmp_path / "params.yaml")
    told = parameters_file.write(
        {"optimizer": {"weight_decay": 0.1}, "formats": ["h5", "keras"], "new": True}, tmp_path / "params.yaml"
    )
    assert sorted(told) == [
        "  formats: [h5] -> [h5, keras]",
        "  new: not there -> true",
        "  optimizer.name: adam -> gone",
        "  optimizer.weight_decay: null -> 0.1",
    ]


def test_a_user_never_sees_a_traceback_for_a_broken_parameters_file(tmp_path: Path) -> None:
    for content in ("model: [", "- a\n- b\n", "a: ${nowhere}\n", "\xff"):
        path = tmp_path / "params.yaml"
        path.write_bytes(content.encode("latin-1"))
        with pytest.raises(ConfigurationError):
            check.load(path)
    with pytest.raises(ConfigurationError, match="Make it anew"):
        check.load(tmp_path / "missing.yaml")


def test_composing_leaves_hydra_as_it_was() -> None:
    composition.compose([])
    assert not GlobalHydra.instance().is_initialized()


def test_composing_with_overrides_writes_them_and_says_what_changed(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert changed.is_dir()
    compose.main([])
    compose.main(["experiment=smoke", "model.dropout=0.25"])
    assert "model.dropout: 0.2 -> 0.25" in capsys.readouterr().out
    assert check.load(tmp_path / "params.yaml").training.epochs == 2


def test_a_bad_value_leaves_the_parameters_as_they_were(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    edit(project / "conf/training/default.yaml", "epochs: ", "epochs: -1 # ")
    done = run(project, "python", "-m", "pipeline.compose", "--keep")
    assert done.returncode == 1
    assert "training.epochs" in done.stderr
    assert "Traceback" not in done.stderr
    assert (project / "params.yaml").read_bytes() == before


def test_composing_needs_neither_tensorflow_nor_mlflow(project: Path) -> None:
    code = "import sys, pipeline.compose as c; c.main(['--keep']); print({'tensorflow', 'mlflow', 'keras'} & set(sys.modules))"
    assert run(project, "python", "-c", code).stdout.strip() == "set()"


@pytest.mark.parametrize(
    "override",
    [
        "tracking.uri=http://user:secret@host:5000",
        "tracking.uri='postgresql+psycopg://host/db?user=u&password=secret'",
        "tracking.uri=[http://user:secret@host]",
        "tracking.url=http://user:secret@host",
        "+tracking.uri.x=http://user:secret@host",
    ],
)
def test_a_password_in_the_configuration_is_refused_and_not_shown(override: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        composition.compose([override])
    assert "secret" not in str(error.value)
    assert "***" in str(error.value)
    if override.startswith("tracking.uri=h"):
        assert "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment" in str(error.value)


def test_a_password_in_an_edited_params_yaml_is_refused_and_goes_unseen_when_it_is_composed_anew(
    tmp_path: Path,
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(PARAMETERS.read_text(encoding="utf-8").replace("uri: null", "uri: http://me:secret@host"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"must hold no password.*http://me:\*\*\*@host"):
        check.load(path)
    assert parameters_file.write(composition.compose([]), path) == ["  tracking.uri: http://me:***@host -> null"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host:5000/x", "http://me:***@host:5000/x"),
        ("https://me:p@ss:word@host", "https://me:***@host"),
        (
            "no answer from http://:secret@[::1]:5000 or http://a:b@c.",
            "no answer from http://:***@[::1]:5000 or http://a:***@c.",
        ),
        ("postgresql+psycopg://me:s@h/db?password=s&x=1", "postgresql+psycopg://me:***@h/db?password=***&x=1"),
        *(
            (text, text)
            for text in ("http://me@host", "http://host:5000/a@b", "sqlite:////a/b:c@d.db", "tcp://host:1", "at 12:30, me@host")
        ),
    ],
)
def test_every_password_in_a_text_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert holds_password(text) == (text != shown)


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of conf/ that is composed, to change at will."""
    folder = tmp_path / "conf"
    shutil.copytree(CONFIGURATION, folder)
    monkeypatch.setattr(composition, "CONFIGURATION", folder)
    composed = partial(composition.compose, folder=folder)
    for module in (composition, parameters_file):
        monkeypatch.setattr(module, "compose", composed)
    monkeypatch.setattr(parameters_file, "PARAMETERS", tmp_path / "params.yaml")
    return folder


def test_parameters_that_can_not_be_read_are_made_anew_as_their_error_says(changed: Path, tmp_path: Path) -> None:
    assert changed.is_dir()
    (tmp_path / "params.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError, match=r"make it anew: python -m pipeline\.compose"):
        compose.main(["--keep"])
    compose.main([])
    assert check.load(tmp_path / "params.yaml").name == "default"


def test_what_a_composition_does_not_use_leaves_the_parameters_as_they_are(changed: Path, tmp_path: Path) -> None:
    compose.main(["experiment=smoke", "model.dropout=0.4"])
    edit(tmp_path / "params.yaml", "split_seed: 0", "split_seed: 7")
    before = (tmp_path / "params.yaml").read_bytes()
    (changed / "experiment/grid_best.yaml").write_text("# @package _global_\nname: grid_best\n")
    (changed / "model/._cnn.yaml").write_bytes(b"\0\5\x16\7\xff")  # of a file manager
    edit(changed / "experiment/pen.yaml", "dropout: 0.1", "dropout: 0.3")
    edit(changed / "model/cnn.yaml", "dropout: 0.2", "dropout: 0.2 # and a comment;")
    compose.main(["--keep"])
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_what_a_composition_uses_is_composed_anew_with_the_overrides_there_were(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose.main(["experiment=smoke", "model.dropout=0.4"])
    edit(changed / "experiment/smoke.yaml", "epochs: 2", "epochs: 3")
    capsys.readouterr()
    compose.main(["--keep"])
    told = capsys.readouterr().out
    assert "composed anew with experiment=smoke model.dropout=0.4. What differs from before:\n  training.epochs: 2 -> 3" in told
    assert "by hand" not in told
    kept = check.load(tmp_path / "params.yaml")
    assert (kept.name, kept.model.dropout, kept.training.epochs) == ("smoke", 0.4, 3)


def test_an_edit_by_hand_that_is_composed_away_is_told(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose.main(["experiment=smoke"])
    edit(tmp_path / "params.yaml", "split_seed: 0", "split_seed: 7")
    edit(changed / "experiment/smoke.yaml", "epochs: 2", "epochs: 3")
    compose.main(["--keep"])
    told = capsys.readouterr().out
    assert "dataset.split_seed: 7 -> 0" in told
    assert "edited by hand" in told
    assert "python -m pipeline.compose experiment=smoke KEY=VALUE" in told


def test_overrides_that_no_longer_apply_are_told_with_the_command_that_composes_without(changed: Path, tmp_path: Path) -> None:
    (changed / "experiment/mine.yaml").write_text("# @package _global_\nname: mine\n")
    compose.main(["experiment=mine"])
    before = (tmp_path / "params.yaml").read_bytes()
    (changed / "experiment/mine.yaml").write_text("# @package _global_\nname: mine\nmodle: 1\n")
    with pytest.raises(ConfigurationError, match=r"(?s)modle.*composed with experiment=mine\. To compose it without"):
        compose.main(["--keep"])
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_parameters_without_their_origin_are_composed_anew(changed: Path, tmp_path: Path) -> None:
    assert changed.is_dir()
    compose.main([])
    values = check.read(tmp_path / "params.yaml")
    for before in ({}, {"composed_from": "a digest"}):
        OmegaConf.save(OmegaConf.create(values | {"composed_from": None} | before), tmp_path / "params.yaml")
        compose.main(["--keep"])
        assert check.read(tmp_path / "params.yaml") == values


def test_an_option_that_is_no_yaml_is_told_with_its_file_and_line(changed: Path) -> None:
    (changed / "model/broken.yaml").write_text("name: cnn\n  blocks: [\n")
    with pytest.raises(ConfigurationError, match=r'(?s)conf/ can.t be composed.*broken\.yaml", line 2'):
        composition.compose(["model=broken"])


def test_an_option_that_is_added_to_a_group_has_a_name_of_its_own(changed: Path) -> None:
    text = (changed / "model/cnn.yaml").read_text(encoding="utf-8")
    (changed / "model/tiny.yaml").write_text(text.replace("name: cnn", "name: tiny"), encoding="utf-8")
    assert composition.compose(["model=tiny"])["model"]["name"] == "tiny"


def test_a_file_of_values_that_fit_no_optimizer_is_told_with_the_nearest(tmp_path: Path) -> None:
    text = PARAMETERS.read_text(encoding="utf-8").replace("name: adadelta", "name: adadlta")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"optimizer\.name: not known.\n.*nearest: adadelta\n.*given: adadlta"):
        check.load(tmp_path / "params.yaml")


def test_no_experiment_is_chosen_by_null() -> None:
    assert composition.compose(["experiment=smoke", "experiment=null"])["name"] == "default"


@pytest.mark.parametrize("given", [["--cfg", "job"], ["--info", "defaults-tree"], ["-m", "model.dropout=0.1,0.2"]])
def test_an_option_of_hydra_leads_to_the_commands_that_do_it_here(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        compose.main(given)
    told = capsys.readouterr().err
    assert "pipeline.compose --print" in told
    assert "pipeline.sweep" in told
