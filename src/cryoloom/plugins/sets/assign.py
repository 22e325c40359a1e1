"""Columns from another set: CTF, alignment, optics groups, classes; streams."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryoloom.errors import DatasetError, ParameterError
from cryoloom.plugins.sets.files import REJECTED, Counted, set_file
from cryoloom.protocol import (
    Input,
    JobFolder,
    Output,
    Param,
    Part,
    RowBatch,
    RowProtocol,
    RowResult,
    Table,
    Written,
)
from cryoloom.protocol.jobs import ITEM_ID

if TYPE_CHECKING:
    import polars as pl


CTF, ANGLES, SHIFTS, ALIGNMENT, OPTICS, CLASS, COLUMNS = (
    *("CTF", "angles", "shifts", "angles and shifts", "optics groups", "class", "columns"),
)
BY_ID, BY_MICROGRAPH, BY_POSITION = "id", "micrograph", "position"
_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst")
_OF_ANGLES = (
    *("rlnAngleRotPrior", "rlnAngleTiltPrior", "rlnAnglePsiPrior", "rlnAnglePsiFlipRatio"),
    *("rlnAnglePsiFlip", "rlnAngleRotFlipRatio", "rlnRandomSubset"),
)
_OF_SHIFTS = ("rlnOriginZAngst", "rlnOriginXPriorAngst", "rlnOriginYPriorAngst", "rlnOriginZPriorAngst")
_OF_ALIGNMENT = (
    *("rlnNormCorrection", "rlnLogLikeliContribution", "rlnMaxValueProbDistribution"),
    "rlnNrOfSignificantSamples",
)
# What has to be there, and what belongs to it: taken along, and where the other set does not say it, not left as it
# was: a new defocus with the old phase shift is no CTF, new angles with the old half sets are no gold standard.
_LABELS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    CTF: (
        ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"),
        (
            *("rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor"),
            *("rlnCtfMaxResolution", "rlnCtfFigureOfMerit", "rlnCtfAstigmatism", "rlnCtfImage"),
        ),
    ),
    ANGLES: (_ANGLES, _OF_ANGLES),
    SHIFTS: (_SHIFTS, _OF_SHIFTS),
    ALIGNMENT: ((*_ANGLES, *_SHIFTS), (*_OF_ANGLES, *_OF_SHIFTS, *_OF_ALIGNMENT)),
    OPTICS: ((), ()),
    CLASS: (("rlnClassNumber",), ()),
}
# What an optics group says of the images themselves stays when items get another set's group.
_OF_IMAGES = frozenset(
    {"rlnImagePixelSize", "rlnImageSize", "rlnImageDimensionality", "rlnMicrographPixelSize"}
    | {"rlnMicrographOriginalPixelSize", "rlnOpticsGroup"}
)


class Assign(Counted, RowProtocol):
    """Give items what another set says of them; items that it does not know are kept apart."""

    name = "sets.assign"
    label = "Assign columns of another set"
    folder = "Select"
    next = ("relion.refine3d", "relion.extract")

    input: Table = Input("Items", streams=True, help="The set that gets new values.")
    source: Table = Input("From", streams=True, help="The set that has them.")
    what: str = Param(
        CTF, "What to assign", choices=(*_LABELS, COLUMNS), help="Shifts are in Å: boxes may differ."
    )
    columns: str = Param(
        "", "Columns", when="what == columns", means="labels", of="source", help="Labels with commas between."
    )
    by: str = Param(
        BY_ID, "Partners have the same", choices=(BY_ID, BY_MICROGRAPH, BY_POSITION),
        help="A micrograph's values go to all its items. By position, a set without ids gets them: columns=cryoloomItemId.",
    )  # fmt: skip
    distance: float = Param(
        20, "Same place within", unit="Å", gt=0, when="by == position", help="The nearest is the partner."
    )

    kept: Table = Output("With the new values", set_file("assigned"), like="input")
    rejected: Table = Output("Unknown to the other set", set_file(REJECTED), like="input")

    def check(self) -> None:
        super().check()
        if self.what == COLUMNS and not self._asked():
            raise ParameterError(
                f"{self.name}: parameter columns", found="empty", expected="labels with commas between"
            )
        if self.what == COLUMNS and "rlnOpticsGroup" in self._asked():
            raise ParameterError(
                f"{self.name}: parameter columns",
                found="rlnOpticsGroup",
                expected="what='optics groups': a number means nothing in another table",
            )
        if self.what == COLUMNS and self.by != BY_POSITION and ITEM_ID in self._asked():
            raise ParameterError(
                f"{self.name}: parameter columns",
                found=ITEM_ID,
                expected="by=position: ids are given by place",
            )
        if self.by == BY_MICROGRAPH and self.what in (ANGLES, SHIFTS, ALIGNMENT, CLASS):
            raise ParameterError(
                f"{self.name}: parameter by",
                found=f"{self.by} for {self.what}",
                expected="id; each particle has its own",
            )

    def needs_all(self) -> bool:
        # Who is nearest, and whose partner is whose, is known when all are there.
        return self.by == BY_POSITION

    def _asked(self) -> list[str]:
        return [word.strip().removeprefix("_") for word in self.columns.split(",") if word.strip()]

    def begin(self, job: JobFolder, written: Written) -> "_Assigned":
        earlier = written("kept") if self.what == OPTICS else None
        return _Assigned(None if earlier is None else earlier.optics)

    def treat(self, job: JobFolder, batch: RowBatch) -> RowResult:
        import polars as pl

        from cryoloom.em.labels import neutral

        so_far = batch.memory
        assert isinstance(so_far, _Assigned)
        part, source = next(iter(batch.parts.values())), batch.sides["source"]
        items = part.items
        if not items.height:
            return RowResult({"kept": items, "rejected": items})
        if not source.items.height:
            if source.complete:
                return RowResult({"kept": items.clear(), "rejected": items})
            return RowResult({"kept": items.clear(), "rejected": items.clear()}, {"input": items})
        labels = self._labels(source)
        partners = self._partners(source, labels, so_far)
        keyed = items.with_columns(self._partner_of(part, source, so_far).alias("_key"))
        joined = keyed.join(partners, on="_key", how="left", maintain_order="left", suffix="_new")
        known = joined["_found"].fill_null(False)
        optics, note = part.optics, ""
        if self.what == OPTICS:
            joined, optics = self._with_groups(joined, part, source, so_far)
        else:
            if _SHIFTS[0] in labels:
                joined = self._recentred(joined, part, source)
            joined = joined.with_columns(pl.col(f"_new_{label}").alias(label) for label in labels)
            outdated = self._outdated(items, labels)
            neutrals = {label: neutral(label) for label in outdated}
            joined = joined.with_columns(
                pl.lit(value).alias(label) for label, value in neutrals.items() if value is not None
            ).drop(label for label, value in neutrals.items() if value is None)
            if outdated:
                note = f"{source.source} does not say {', '.join(outdated)}: what was there is gone or neutral now."
        if so_far.ambiguous:
            more = f", and {len(so_far.ambiguous) - 1} more" if len(so_far.ambiguous) > 1 else ""
            note = f"{note} {next(iter(so_far.ambiguous.values()))}{more}: not assigned.".strip()
        joined = joined.select(label for label in joined.columns if not label.startswith("_"))
        rows = {"kept": joined.filter(known), "rejected": items.filter(~known)}
        own = {} if optics is None else {"kept": optics}
        if source.complete:
            return RowResult(rows, optics_of=own, note=note)
        held = {"input": rows["rejected"]}
        return RowResult({**rows, "rejected": items.clear()}, held, optics_of=own, note=note)

    def _partner_of(self, part: Part, source: Part, so_far: "_Assigned") -> "pl.Expr | pl.Series":
        """What an item's partner is known by: see `_partners`."""
        import polars as pl

        from cryoloom.em.places import MICROGRAPH, partners, places

        if self.by == BY_POSITION:
            ours = places(part.items, part.optics, part.source)
            theirs = places(source.items, source.optics, source.source)
            # Each has one partner at most: what is nearest to two items is that of the nearer one.
            rows = pl.Series("_key", partners(ours, theirs, self.distance))
            return pl.select(pl.when(rows >= 0).then(rows)).to_series()
        if self.by != BY_MICROGRAPH:
            return pl.col(ITEM_ID)
        pairs = self._micrographs(part.items[MICROGRAPH].unique().to_list(), source, so_far)
        return (
            part.items[MICROGRAPH].cast(pl.String).replace_strict(pairs, return_dtype=pl.String).alias("_key")
        )

    def _micrographs(
        self, names: "list[object]", source: Part, so_far: "_Assigned"
    ) -> "dict[str, str | None]":
        """For each micrograph the source's name for it: its own, or that of the same one below another job.

        Where several may be meant none is, and while more rows may come only exact names are known.
        """
        from cryoloom.em.names import Partners
        from cryoloom.em.places import MICROGRAPH

        known = Partners()
        known.add(str(name) for name in source.items[MICROGRAPH].unique(maintain_order=True).to_list())
        pairs: dict[str, str | None] = {}
        # Of particles another one may come, and say something else of their micrograph.
        is_whole = "rlnCoordinateX" not in source.items.columns
        for name in map(str, names):
            found = known.of(name)
            is_known = len(found) == 1 and (source.complete or (found[0] == name and is_whole))
            pairs[name] = found[0] if is_known else None
            if len(found) > 1 and source.complete:
                so_far.ambiguous.setdefault(
                    name, f"{name} may be {' or '.join(found[:2])} of {source.source}"
                )
        return pairs

    def _labels(self, source: Part) -> list[str]:
        """The columns to be taken, as far as the other set has them."""
        needed, more = (self._asked(), ()) if self.what == COLUMNS else _LABELS[self.what]
        missing = [label for label in needed if label not in source.items.columns]
        if missing:
            raise DatasetError(
                f"{source.source}", found=f"without {missing[0]}", expected=f"a set with {self.what}"
            )
        return [label for label in (*needed, *more) if label in source.items.columns]

    def _outdated(self, items: "pl.DataFrame", taken: list[str]) -> list[str]:
        """What the items say that belongs to the values which they lose."""
        if self.what == COLUMNS:
            return []
        return [label for label in _LABELS[self.what][1] if label in items.columns and label not in taken]

    def _partners(self, source: Part, labels: list[str], so_far: "_Assigned") -> "pl.DataFrame":
        """The other set's values by the key of `_partner_of`; without those of which it says several things."""
        import polars as pl

        from cryoloom.em.places import MICROGRAPH

        extra = [
            label
            for label in ("rlnOpticsGroup", "rlnCoordinateX", "rlnCoordinateY")
            if label in source.items.columns
        ]
        columns = [pl.col(label).alias(f"_new_{label}") for label in dict.fromkeys([*labels, *extra])]
        key = pl.col(ITEM_ID)
        if self.by == BY_POSITION:
            key = pl.int_range(pl.len())
        elif self.by == BY_MICROGRAPH:
            key = pl.col(MICROGRAPH).cast(pl.String)
        table = source.items.select(key.alias("_key"), *columns, pl.lit(True).alias("_found"))
        values = [f"_new_{label}" for label in (labels or ["rlnOpticsGroup"])]
        said = table.unique(["_key", *values], keep="first", maintain_order=True)
        several = said.filter(pl.col("_key").is_duplicated())["_key"].unique(maintain_order=True).to_list()
        for one in several:
            # The first of its rows must not speak for all.
            different = ", ".join(label.removeprefix("_new_") for label in values)
            words = f"{source.source} has rows of {one} with different {different}"
            so_far.ambiguous.setdefault(str(one), words)
        return said.filter(~pl.col("_key").is_in(several))

    def _recentred(self, joined: "pl.DataFrame", part: Part, source: Part) -> "pl.DataFrame":
        """Shifts that point at the same centre where the two sets' boxes lie at different places."""
        import polars as pl

        from cryoloom.em.places import micrograph_pixel_sizes

        axes = ("rlnCoordinateX", "rlnCoordinateY")
        if any(f"_new_{axis}" not in joined.columns or axis not in joined.columns for axis in axes):
            return joined
        ours = pl.Series(micrograph_pixel_sizes(joined, part.optics, part.source))
        named = joined.select(
            pl.col("_new_rlnOpticsGroup").fill_null(strategy="backward").fill_null(strategy="forward")
        )
        groups = named.rename({"_new_rlnOpticsGroup": "rlnOpticsGroup"})
        theirs = pl.Series(micrograph_pixel_sizes(groups, source.optics, source.source))
        moved = [
            (pl.col(f"_new_{label}") + pl.col(axis) * ours - pl.col(f"_new_{axis}") * theirs).alias(
                f"_new_{label}"
            )
            for label, axis in zip(_SHIFTS, axes, strict=True)
        ]
        return joined.with_columns(moved)

    def _with_groups(
        self, joined: "pl.DataFrame", part: Part, source: Part, so_far: "_Assigned"
    ) -> "tuple[pl.DataFrame, pl.DataFrame]":
        """The other set's groups, with what ours say of the images."""
        import polars as pl

        from cryoloom.em.joining import with_groups

        if part.optics is None or source.optics is None:
            bare = part if part.optics is None else source
            raise DatasetError(
                f"{bare.source}", found="without optics groups", expected="a table data_optics"
            )
        ours = {row["rlnOpticsGroup"]: row for row in part.optics.iter_rows(named=True)}
        theirs = {row["rlnOpticsGroup"]: row for row in source.optics.iter_rows(named=True)}
        numbers: dict[tuple[int, int], int] = {}
        pairs = (
            joined.filter(pl.col("_found"))
            .select("rlnOpticsGroup", "_new_rlnOpticsGroup")
            .unique(maintain_order=True)
        )
        for own, other in pairs.iter_rows():
            taken = {label: value for label, value in theirs[other].items() if label not in _OF_IMAGES}
            so_far.optics, new = with_groups(so_far.optics, pl.DataFrame([{**ours[own], **taken}]))
            numbers[own, other] = new[own]
        table = so_far.optics if so_far.optics is not None else part.optics
        pairs = pl.DataFrame(
            [(own, other, number) for (own, other), number in numbers.items()],
            schema={"rlnOpticsGroup": pl.Int64, "_new_rlnOpticsGroup": pl.Int64, "_number": pl.Int64}, orient="row",
        )  # fmt: skip
        joined = joined.join(
            pairs, on=["rlnOpticsGroup", "_new_rlnOpticsGroup"], how="left", maintain_order="left"
        )
        return joined.with_columns(pl.coalesce("_number", "rlnOpticsGroup").alias("rlnOpticsGroup")), table


@dataclass(slots=True)
class _Assigned:
    """What has been assigned so far."""

    optics: "pl.DataFrame | None" = None  # the new groups, where those are assigned
    ambiguous: dict[str, str] = field(
        default_factory=dict
    )  # what got no value because several were possible, and why
