"""`job.star`: a job as RELION's own form writes and reads it.

For RELION's jobs the options bear our parameters' names, so there is no translation table. For a
protocol that RELION lacks, it is a view: kind External, inputs, the parameters that are not as usual,
and an executable that runs it.
"""

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from cryoloom.errors import ProjectError
from cryoloom.project.forms.relion31 import EVERY_FORM, EXTERNAL
from cryoloom.protocol.datasets import (
    Coordinates,
    Dataset,
    Mask,
    Micrographs,
    Movies,
    Particles,
    Volume,
    accepts,
)
from cryoloom.protocol.declare import relion_text
from cryoloom.protocol.protocols import Protocol

CONTINUE = "fn_cont"  # RELION's option: the optimiser file of the iteration to go on from
# RELION's fields for the inputs of an External job.
EXTERNAL_FIELDS: Mapping[str, type[Dataset]] = {
    "in_mov": Movies,
    "in_mic": Micrographs,
    "in_part": Particles,
    "in_coords": Coordinates,
    "in_3dref": Volume,
    "in_mask": Mask,
}


def job_options(protocol: Protocol) -> dict[str, str]:
    """The options of a job, as they stand in `job.star`."""
    if protocol.relion_type == EXTERNAL:
        return _external_options(protocol)
    options = {**EVERY_FORM, **protocol.relion_fixed}
    options |= {
        name: dataset.path for name, dataset in protocol.given.items() if not protocol.input_spec(name).own
    }
    options |= {
        name: relion_text(protocol.values[name]) for name, spec in protocol.params.items() if not spec.own
    }
    return options


def job_star_of(protocol: Protocol) -> str:
    """The file of a job; one with an optimiser to go on from is a continued job in RELION's eyes."""
    return job_star_text(
        protocol.relion_type, job_options(protocol), is_continue=bool(protocol.given.get(CONTINUE))
    )


def job_star_text(relion_type: int, options: Mapping[str, str], *, is_continue: bool = False) -> str:
    """The file, sorted by option as RELION writes it."""
    rows = "".join(f"{name:>10} {_word(options[name]):>10} \n" for name in sorted(options))
    return (
        "\n# version 30001\n\ndata_job\n\n"
        f"_rlnJobType                         {relion_type:>5}\n"
        f"_rlnJobIsContinue                   {int(is_continue):>5}\n \n"
        "\n# version 30001\n\ndata_joboptions_values\n\nloop_ \n"
        "_rlnJobOptionVariable #1 \n_rlnJobOptionValue #2 \n"
        f"{rows} \n"
    )


def read_job_star(path: Path) -> tuple[int, dict[str, str]]:
    """RELION's job type and options.

    Raises:
        ProjectError: no such file, or no job of RELION 3.1: one of RELION 4 or 5.
    """
    from cryoloom import star
    from cryoloom.errors import StarError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", star.StarWarning)  # RELION's own help texts hold raw TABs
        try:
            blocks = star.read(path)
        except StarError as error:
            raise ProjectError(
                error.where, found=error.found, expected=error.expected, hint=error.hint
            ) from None
    job, options = blocks.get("job"), blocks.get("joboptions_values")
    if not isinstance(job, Mapping) or options is None or isinstance(options, Mapping):
        raise ProjectError(
            f"{path}", found="no job.star", expected="blocks data_job and data_joboptions_values"
        )
    number = job.get("rlnJobType", "")
    if not isinstance(number, int):
        raise ProjectError(
            f"{path}", found=f"a job of RELION 4 or 5 ({job.get('rlnJobTypeLabel', 'of no type')})",
            expected="one of RELION 3.1, whose types are numbers",
            hint="Options of one name may mean something else there: RELION 4 and 5 run it themselves.",
        )  # fmt: skip
    names, texts = options.get_columns()[:2]
    values = {
        str(name): relion_text(value).replace("__", " ")
        for name, value in zip(names.to_list(), texts.to_list(), strict=True)
    }
    if not job.get("rlnJobIsContinue") and CONTINUE in values:
        values[CONTINUE] = ""  # left in the form from another time; RELION does not look at it
    return number, values


def _external_options(protocol: Protocol) -> dict[str, str]:
    """A job that RELION lacks, as one of its External kind that `cryoloom-external` runs.

    Of the parameters those stand here that differ from their defaults: nine in RELION's fields, the rest in the additional
    arguments, as do inputs that none of RELION's fields is for.
    """
    options = {**EVERY_FORM, "nr_threads": "1", "fn_exe": "cryoloom-external"}
    options |= dict.fromkeys(EXTERNAL_FIELDS, "")
    more: list[str] = []
    taken: set[str] = set()
    for name, dataset in protocol.given.items():
        if not dataset:
            continue
        field = next((field for field, kind in EXTERNAL_FIELDS.items() if kind.kind == dataset.kind), "")
        if field and not options[field] and input_of(type(protocol), EXTERNAL_FIELDS[field], taken) == name:
            options[field] = dataset.path
            taken.add(name)
        else:
            more.append(f"--{name.replace('#', '.')} {as_argument(dataset.path)}")
    shown = [("protocol", protocol.name)]
    shown += [
        (name, as_argument(relion_text(protocol.values[name])))
        for name, spec in protocol.params.items()
        if protocol.values[name] != spec.default
    ]
    more += [f"--{name} {value}" for name, value in shown[10:]]
    for number in range(1, 11):
        name, value = shown[number - 1] if number <= len(shown) else ("", "")
        options[f"param{number}_label"], options[f"param{number}_value"] = name, value
    options["other_args"] = " ".join(more)
    return options


def input_of(kind: type[Protocol], dataset: type[Dataset], taken: Collection[str]) -> str:
    """The input of a protocol that one of RELION's fields for External jobs means; "" where none takes such a dataset."""
    return next(
        (name for name, spec in kind.inputs.items() if name not in taken and accepts(spec.kind, dataset)), ""
    )


def as_argument(value: str) -> str:
    """A value as one word that neither RELION's tables nor a shell read otherwise; never an empty one."""
    return quote(value, safe="/:,=@+") if value else "%"


def from_argument(word: str) -> str:
    """The value of such a word."""
    return "" if word == "%" else unquote(word)


def _word(value: str) -> str:
    if not value:
        return '""'
    return f'"{value}"' if any(c.isspace() for c in value) else value
