/** Where the browser draws nothing in three dimensions: projections by the server, beside the same slices and controls. */
import { projectionPicture, type Facts } from "./asking";
import { AXES } from "./slices";

export function Flat({ project, facts }: { project: string; facts: Facts }) {
  return (
    <section className="stage map-flat-stage" aria-label="Projections">
      <p className="map-small">
        This browser has no WebGL, so that no surface is drawn here. Projections and slices are, with the outline of the level where it
        is asked for; ChimeraX opens the same maps.
      </p>
      <div className="map-projections">
        {AXES.map((axis) => (
          <figure key={axis}>
            <img src={projectionPicture(project, facts, axis)} alt={`Projection of ${facts.map.title} along ${axis}`} />
            <figcaption>along {axis}</figcaption>
          </figure>
        ))}
      </div>
    </section>
  );
}
