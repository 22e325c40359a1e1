/** A map's worker, asked from the page: of surfaces that are asked for while one is made only the last is made. */
import type { Answer, Asked, Part, Slice, Surface } from "./worker";

export type { Part, Slice, Surface } from "./worker";

export class Mesher {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<number, { done: (answer: Answer["answer"]) => void; failed: (error: Error) => void }>();
  private last = 0;
  private newest = 0; // of surfaces

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const one = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.wrong !== undefined) one?.failed(new Error(data.wrong));
      else one?.done(data.answer);
    };
  }

  async load(part: Part): Promise<void> {
    await this.ask({ do: "load", part });
  }

  /** The map by which surfaces are coloured from now on. */
  async colour(part: Part | null): Promise<void> {
    await this.ask({ do: "colour", part });
  }

  private running: Promise<unknown> | null = null;

  /** The surface at a level, in the map's bytes; null where another was asked for since. */
  async surface(level: number, dust: number, isQuick: boolean): Promise<Surface | null> {
    const own = ++this.newest;
    while (this.running) {
      await this.running.catch(() => undefined);
      if (own !== this.newest) return null;
    }
    const made = this.ask({ do: "surface", level, dust, isQuick });
    this.running = made;
    try {
      return (await made) as Surface;
    } finally {
      this.running = null;
    }
  }

  /** A slice across an axis, at px of the whole map. */
  async slice(axis: 0 | 1 | 2, place: number): Promise<Slice> {
    return (await this.ask({ do: "slice", axis, place })) as Slice;
  }

  end() {
    this.worker.terminate();
    this.waiting.clear();
  }

  private ask(asked: Asked): Promise<Answer["answer"]> {
    const id = ++this.last;
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.worker.postMessage({ id, asked });
    });
  }
}
