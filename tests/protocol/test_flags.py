"""Words of a command line: what declarations say of a job's values, as far as they count."""

from cryoloom.protocol import AUTO, Input, Param, Particles, ProgramProtocol, Varied, words_of


class Group:
    steps: int = Param(3, "Steps", tab="Other", flag="--steps")
    mode: bool = Param(True, "Mode", flag="--fast --once", flag_off="--pad 2")


class One(Group, ProgramProtocol):
    """A program."""

    name = "test.one"
    input: Particles = Input("Particles", optional=True, flag="--i")
    limit: float = Param(
        -1, "Limit", flag="--limit", written=lambda value: f"{value:g}" if value > 0 else None
    )
    text: str = Param("", "Text", flag="--text")
    ids: str = Param("", "Ids", when="mode", flag="--ids", written=str)
    silent: int = Param(1, "In no command")


class Other(One):
    """The same with another default."""

    name = "test.other"
    steps: int = Varied(Group.steps, default=9, when="not mode")


def test_flags_stand_with_their_values_where_they_count() -> None:
    assert words_of(One()) == ["--fast", "--once", "--ids", "", "--steps", "3"]
    assert words_of(One({"mode": False, "limit": 2.5, "text": "a b"})) == [
        *("--pad", "2", "--limit", "2.5", "--text", "a b", "--steps", "3")
    ]
    assert words_of(One({}, {"input": Particles("p.star")}), {"input", "steps"}) == [
        "--i",
        "p.star",
        "--steps",
        "3",
    ]


def test_a_varied_parameter_leaves_the_one_that_it_was_made_of_as_it_was() -> None:
    assert Other.defaults()["steps"] == 9 and One.defaults()["steps"] == 3
    assert "--steps" in words_of(One()) and "--steps" not in words_of(Other())
    assert [*Other.params] == [*One.params]


def test_what_is_auto_still_is_shown_and_not_computed_with() -> None:
    class Doubled(ProgramProtocol):
        """A program."""

        name = "test.doubled"
        step: float = Param(1, "Step", auto=True, flag="--step", written=lambda value: f"{2 * value:g}")

    assert words_of(Doubled({"step": AUTO})) == ["--step", AUTO]
    assert words_of(Doubled({"step": 1.5})) == ["--step", "3"]
