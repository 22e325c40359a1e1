import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { Icon } from "../../icon";
import { addressed } from "./choice";
import { fetchLines, sheetOf, tileOf, useSet, type Drawing, type Line, type SetOf, type Where } from "./asking";
import { counted, head, shown } from "./values";

const MOST = 20;
const CLASS = "rlnClassNumber";
const CERTAINTY = "rlnMaxValueProbDistribution";

/** Particles of the class under the cursor, those first of which the classification is surest. */
export function Members({ where, set, line, drawing }: { where: Where; set: SetOf; line: Line | undefined; drawing: Drawing }) {
  const ours = { ...where, output: set.members };
  const particles = useSet(ours).data;
  const sort = particles?.columns.some((column) => column.name === CERTAINTY) ? `-${CERTAINTY}` : "";
  const rule = line ? `${CLASS} = ${line.id}` : "";
  const found = useQuery({
    queryKey: ["rows", ours, particles?.stamp, rule, sort, "members"],
    queryFn: () =>
      fetchLines(ours, { stamp: particles!.stamp, rule, added: [], removed: [], sort: sort.slice(1), descending: true, show: "kept" }, [], 0, MOST),
    enabled: particles !== undefined && line !== undefined,
    placeholderData: (before) => before,
  });
  const lines = found.data?.lines ?? [];
  const href = `/p/${where.key}/jobs/${where.number}/select/${set.members}${addressed({
    rule, added: [], removed: [], sort, show: "kept", x: "", y: "", how: "gallery", from: 0,
  })}`;
  const sheet = particles && lines.length ? sheetOf(ours, particles.stamp, lines.map((one) => one.row), 96, drawing) : "";
  return (
    <section className="pane under" aria-label="Members">
      <header>
        <h2>{line ? `Members of class ${line.id}` : "Members"}</h2>
        <span className="muted grow cut">
          {found.data && `${counted(found.data.total)} particles${sort ? ", those that fit best first" : ""}`}
        </span>
        {line && (
          <Link className="btn btn-quiet" href={href}>
            All of them
            <Icon name="right" />
          </Link>
        )}
      </header>
      <div className="members" role="list" aria-label={line ? `Particles of class ${line.id}` : "Particles"}>
        {lines.map((one, index) => (
          <span key={one.id} className="tile" role="listitem">
            <span
              className="sheet"
              role="img"
              aria-label={`particle ${index + 1}`}
              style={tileOf(sheet, index, lines.length, set.sheet_columns)}
            />
          </span>
        ))}
      </div>
    </section>
  );
}

/** The item under the cursor: its image, and what is known of it. */
export function Current({ where, set, line, columns, drawing }: { where: Where; set: SetOf; line: Line | undefined; columns: string[]; drawing: Drawing }) {
  return (
    <section className="pane under" aria-label="The item under the cursor">
      <header>
        <h2 className="grow cut">{line ? `Item ${counted(line.place + 1)}` : "No item"}</h2>
        <span className="muted mono">{line?.id}</span>
      </header>
      <div className="current">
        {line && set.image && (
          <img src={sheetOf(where, set.stamp, [line.row], 384, drawing)} alt="" className="alone" width="384" height="384" />
        )}
        <dl className="kv">
          {line &&
            set.first.map((name) => (
              <div key={name} className="pair-row">
                <dt title={name}>{head(name)}</dt>
                <dd>
                  {shown(set, name, line.values[columns.indexOf(name)])} <span className="unit">{set.columns.find((one) => one.name === name)?.unit}</span>
                </dd>
              </div>
            ))}
        </dl>
      </div>
    </section>
  );
}
