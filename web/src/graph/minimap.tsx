import type { Size, Viewport } from "./viewport";

type Props = {
  drawing: Size;
  place: Size;
  view: Viewport;
  spots: { x: number; y: number; state: string }[];
  card: Size;
  move: (view: Viewport) => void;
};

const WIDTH = 168;

/** All of a drawing, small, with the part that is seen; a click goes there. Not there where all of it is seen. */
export function MiniMap({ drawing, place, view, spots, card, move }: Props) {
  const isWhole = drawing.width * view.k <= place.width + 1 && drawing.height * view.k <= place.height + 1;
  if (isWhole || !place.width) return null;
  const scale = Math.min(WIDTH / drawing.width, 110 / drawing.height);
  return (
    <svg
      className="minimap"
      width={drawing.width * scale}
      height={drawing.height * scale}
      viewBox={`0 0 ${drawing.width} ${drawing.height}`}
      aria-hidden="true"
      onClick={(event) => {
        const corner = event.currentTarget.getBoundingClientRect();
        const [x, y] = [(event.clientX - corner.left) / scale, (event.clientY - corner.top) / scale];
        move({ k: view.k, x: place.width / 2 - x * view.k, y: place.height / 2 - y * view.k });
      }}
    >
      {spots.map((spot) => (
        <rect key={`${spot.x} ${spot.y}`} data-s={spot.state} x={spot.x} y={spot.y} width={card.width} height={card.height} />
      ))}
      <rect
        className="seen"
        x={-view.x / view.k}
        y={-view.y / view.k}
        width={place.width / view.k}
        height={place.height / view.k}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
