"""The remembered list says what the plugins say, also after one of them was changed."""

from pathlib import Path

import pytest

from cryoloom.api.help_search import search_help
from cryoloom.project import catalogue, registry
from cryoloom.project.registry import all_protocols

PROTOCOL = '''
from cryoloom.protocol import Command, JobFolder, ProgramProtocol


class One(ProgramProtocol):
    """{what}."""

    name = "other.one"
    label = "One"
    folder = "External"

    def command(self, job: JobFolder) -> Command:
        return Command("true", ())
'''


def told() -> list[tuple[str, str]]:
    return [(line.name, line.help) for line in catalogue.protocol_lines()]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/cryoloom" / catalogue.FILE


def test_what_is_remembered_is_what_the_plugins_say(cache: Path) -> None:
    expected = [(kind.name, kind.__doc__ or "") for kind in all_protocols()]

    assert told() == expected
    assert cache.exists()
    assert told() == expected, "from the file"


def test_it_is_read_from_the_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = told()
    monkeypatch.setattr(catalogue, "all_protocols", lambda: pytest.fail("a plugin was loaded"))

    assert told() == before


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "stamp": [], "protocols": 3}']
)
def test_a_file_that_is_none_is_made_anew(cache: Path, content: str) -> None:
    before = told()
    cache.write_text(content)

    assert told() == before


def test_a_plugin_that_was_changed_is_read_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "other_plugin"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text(PROTOCOL.format(what="First"))
    monkeypatch.syspath_prepend(tmp_path)
    known = {**registry.plugins(), "other": "other_plugin"}
    monkeypatch.setattr(catalogue, "plugins", lambda: known)
    monkeypatch.setattr(registry, "plugins", lambda: known)
    assert ("other.one", "First.") in told()

    (package / "two.py").write_text(PROTOCOL.format(what="Second").replace("other.one", "other.two"))

    assert ("other.two", "Second.") in told()


def test_a_cache_that_cannot_be_written_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert ("ctf.estimate" in dict(told())) and told()


def test_a_word_is_searched_for_without_loading_a_plugin(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = search_help("dose")
    assert ("import.movies", "dose_per_frame") in {(hit.protocol, hit.parameter) for hit in before.hits}
    monkeypatch.setattr(catalogue, "all_protocols", lambda: pytest.fail("a plugin was loaded"))

    assert search_help("dose") == before
