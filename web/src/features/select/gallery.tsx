import { useEffect, useMemo, useState } from "react";

import { Icon } from "../../icon";
import { isKept, type Choice } from "./choice";
import { PAGE, sheetOf, tileOf, type Drawing, type Page, type SetOf, type Where } from "./asking";
import { clicked, keyed, type Doing } from "./cursor";
import { shown } from "./values";
import { useWindowed } from "./windowed";

const GAP = 10;
const CAPTION = 18;
const EDGES = [64, 96, 128, 192, 256, 384];

type Props = {
  where: Where;
  set: SetOf;
  choice: Choice;
  columns: string[]; // of the lines' values
  captions: string[];
  pages: Map<number, Page>;
  total: number;
  size: number; // px, the least edge of a tile
  drawing: Drawing;
  doing: Doing;
  see: (first: number, last: number, across: number, inSight: number) => void;
};

/** Images in rows, of which only those in sight exist; they come in sheets of many. */
export function Gallery({ where, set, choice, columns, captions, pages, total, size, drawing, doing, see }: Props) {
  const across = useAcross(size);
  const lineHeight = across.tile + CAPTION + GAP;
  const list = useWindowed(Math.ceil(total / across.count), lineHeight);
  const [first, last] = [list.first * across.count, Math.min(list.last * across.count, total)];
  useEffect(() => across.fit(list.size.width), [across, list.size.width]);
  useEffect(() => see(first, Math.max(last, first + 1), across.count, list.linesInSight), [see, first, last, across.count, list.linesInSight]);
  useEffect(() => list.reveal(Math.floor(doing.cursor.place / across.count)), [list.reveal, doing.cursor.place, across.count]);
  const edge = EDGES.find((one) => one >= across.tile * Math.min(devicePixelRatio, 2)) ?? 384;

  const tiles = [];
  for (let place = first; place < last; place++) {
    const page = pages.get(Math.floor(place / PAGE));
    const line = page?.lines[place % PAGE];
    const index = place % PAGE;
    const kept = line !== undefined && isKept(choice, line.id, line.isRuled);
    const name = line ? set.kind === "model" ? line.id : String(line.place + 1) : "";
    tiles.push(
      <div
        key={place}
        id={`item-${place}`}
        className={place === doing.cursor.place ? "tile cursor" : "tile"}
        role="option"
        aria-selected={kept}
        aria-posinset={place + 1}
        aria-setsize={total}
        data-id={line?.id}
        style={{
          position: "absolute",
          width: across.tile,
          left: GAP + (place % across.count) * (across.tile + GAP),
          top: list.at(Math.floor(place / across.count)) + GAP,
        }}
        onClick={(event) => line && clicked(event, line, doing)}
      >
        <span
          className="sheet"
          role="img"
          aria-label={`${set.kind === "model" ? "class" : "item"} ${name}`}
          style={
            page && line && set.image
              ? tileOf(sheetOf(where, set.stamp, page.lines.map((one) => one.row), edge, drawing), index, page.lines.length, set.sheet_columns)
              : undefined
          }
        />
        {kept && <Icon name="succeeded" />}
        <span className="cap">
          {line &&
            captions.slice(0, across.tile > 90 ? 3 : 1).map((column, at) => {
              const text = shown(set, column, line.values[columns.indexOf(column)]);
              return at ? <span key={column}>{text}</span> : <b key={column}>{text}</b>;
            })}
        </span>
      </div>,
    );
  }
  return (
    <div
      ref={list.place}
      className="items grow"
      role="listbox"
      aria-multiselectable="true"
      aria-label={set.kind === "model" ? "Classes" : `Images of ${set.kind}`}
      aria-activedescendant={total ? `item-${doing.cursor.place}` : undefined}
      tabIndex={0}
      onKeyDown={(event) => keyed(event, { ...doing, across: across.count, inSight: list.linesInSight }) && event.preventDefault()}
    >
      <div className="tall" role="presentation" style={{ height: list.tall + GAP }}>
        {tiles}
      </div>
    </div>
  );
}

/** How many tiles lie beside each other, and how wide each is then. */
function useAcross(size: number) {
  const [width, fit] = useState(0);
  return useMemo(() => {
    const room = Math.max(width - GAP, size + GAP);
    const count = Math.max(1, Math.floor(room / (size + GAP)));
    return { count, tile: Math.floor(room / count) - GAP, fit };
  }, [width, size]);
}
