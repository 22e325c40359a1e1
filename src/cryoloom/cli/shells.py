"""How bash and zsh ask which words could follow, and what they do with the answer."""

import os
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from cryoloom.cli.completion import VARIABLE

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line
    COMPREPLY=()
    while read -r line; do
        case "$line" in
            path) compopt -o default -o filenames; return 0 ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -o nospace -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a whole open
    local line
    while IFS= read -r line; do
        case "$line" in
            path) compset -P '*='; _files; return ;;
            *' ') whole+=("${line%% }") ;;
            *) open+=("$line") ;;
        esac
    done < <(env COMP_LINE="${(j: :)${(q)words[1,CURRENT]}}" %(complete_var)s=zsh_complete %(prog_name)s)
    (( $#whole )) && compadd -U -V cryoloom -a whole
    (( $#open )) && compadd -U -V cryoloom -S '' -a open
}
compdef %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Of the line as far as it is written, since bash takes words apart at `=` and `:`."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        return _words(os.environ["COMP_LINE"])

    def format_completion(self, item: CompletionItem[Any]) -> str:
        if item.type != "plain":
            return "path"
        # What stands before the last break is no part of the word that bash replaces.
        breaks = [sign for sign in "=:" if sign in os.environ.get("COMP_BREAKS", "=:")]
        _, incomplete = self.get_completion_args()
        begun = max((incomplete.rfind(sign) + 1 for sign in breaks), default=0)
        return _closed(item)[begun:]


class Zsh(ZshComplete):
    """As bash, but for words that zsh leaves whole."""

    source_template = _ZSH

    def get_completion_args(self) -> tuple[list[str], str]:
        return _words(os.environ["COMP_LINE"])

    def format_completion(self, item: CompletionItem[Any]) -> str:
        return "path" if item.type != "plain" else _closed(item)


def answer() -> None:
    """From now on the program answers bash and zsh in this form."""
    for one in (Bash, Zsh):
        add_completion_class(one)


def script(shell: str, program: click.Command) -> str:
    """What the shell is to evaluate."""
    kind = {"bash": Bash, "zsh": Zsh}[shell]
    return kind(program, {}, "cryoloom", VARIABLE).source()


def _closed(item: CompletionItem[Any]) -> str:
    """The word, with a blank behind it where nothing more of it follows."""
    return f"{item.value}" if item.type == "open" or str(item.value).endswith("=") else f"{item.value} "


def _words(line: str) -> tuple[list[str], str]:
    """The words before the one that is being written, and that."""
    words = split_arg_string(line)[1:]
    return (words, "") if not line or line[-1].isspace() or not words else (words[:-1], words[-1])
