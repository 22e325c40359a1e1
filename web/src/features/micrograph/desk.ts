/**
 * Where the picks of one micrograph are edited: each edit is shown at once and sent soon, with the revision it was made on.
 *
 * What cannot be sent waits here and is sent when the server answers again. Where somebody else was quicker, theirs are fetched,
 * ours are kept, and the user says what is to be done.
 */
import { answered, api, Refused } from "../../api/client";
import { applied, areAlike, changesBetween, count, inverse, onto, type Changes, type Edit, type Pick, type Values } from "./picks";

const REST_MS = 250;
const TRY_AGAIN_MS = 1500;
const ID = "cryoloomItemId";
const X = "rlnCoordinateX";
const Y = "rlnCoordinateY";

export type Told = { revision: string; columns: string[]; rows: (string | number | null)[][] };
export type Place = { key: string; number: number; output: string; micrograph: string };
export type State = "saved" | "unsaved" | "away" | "conflict" | "refused";
export type Shown = {
  /** Whether it is known which picks there are. */
  isFilled: boolean;
  picks: readonly Pick[];
  state: State;
  canUndo: boolean;
  canRedo: boolean;
  /** What is not in the file yet. */
  waiting: number;
  /** Why the server does not take it. */
  error: Error | null;
  /** How many picks there are now by somebody else's edit. */
  theirs: number;
  /** Jobs that made something of the picks before. */
  followers: readonly string[];
};

export class Desk {
  private picks: readonly Pick[] = [];
  private base: readonly Pick[] = [];
  private revision = "";
  private ids = new Map<number, string>();
  private keys = new Map<string, number>();
  private newest = 0;
  private done: Edit[] = [];
  private undone: Edit[] = [];
  private state: State = "saved";
  private error: Error | null = null;
  private theirs: Told | null = null;
  private followers: readonly string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isSending = false;
  private isFilled = false;
  private listeners = new Set<() => void>();
  private shown: Shown | null = null;

  constructor(private readonly place: Place) {}

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly look = (): Shown => {
    this.shown ??= {
      isFilled: this.isFilled,
      picks: this.picks,
      state: this.state,
      canUndo: this.done.length > 0,
      canRedo: this.undone.length > 0,
      waiting: count(this.changes()),
      error: this.error,
      theirs: this.theirs?.rows.length ?? 0,
      followers: this.followers,
    };
    return this.shown;
  };

  get isWaiting(): boolean {
    return count(this.changes()) > 0;
  }

  /** What the server says that there is now. */
  take(told: Told): void {
    if (this.isFilled && told.revision === this.revision) return;
    // What waits here was made on another revision: sending it tells whether both can be had.
    if (this.isFilled && (this.isSending || this.isWaiting)) return;
    // What was done before anything was known of those that are there is done on them.
    const early = this.isFilled ? null : this.changes();
    this.adopt(told);
    this.picks = early ? onto(this.base, early) : this.base;
    this.tell(this.isWaiting ? "unsaved" : "saved");
    if (this.isWaiting) this.soon(REST_MS);
  }

  newPick(x: number, y: number): Pick {
    this.newest += 1;
    return { key: this.newest, x, y, values: {} };
  }

  do(edit: Edit): void {
    if (edit.kind !== "move" && !edit.picks.length) return;
    this.done.push(edit);
    this.undone = [];
    this.change(edit);
  }

  undo(): void {
    const edit = this.done.pop();
    if (!edit) return;
    this.undone.push(edit);
    this.change(inverse(edit));
  }

  redo(): void {
    const edit = this.undone.pop();
    if (!edit) return;
    this.done.push(edit);
    this.change(edit);
  }

  /** The jobs that made something of earlier picks have been told to make it of these. */
  handedOn(): void {
    this.followers = [];
    this.changed();
  }

  /** After a conflict: what was done here once more, on what is there now. */
  doAgain(): void {
    if (!this.theirs) return;
    const changes = this.changes();
    this.adopt(this.theirs);
    this.picks = onto(this.base, changes);
    this.tell("unsaved");
    this.soon(0);
  }

  /** After a conflict or a refusal: what is in the file. */
  async giveUp(): Promise<void> {
    this.adopt(this.theirs ?? (await this.fetched()));
    this.picks = this.base;
    this.done = [];
    this.undone = [];
    this.tell("saved");
  }

  private changes(): Changes {
    return changesBetween(this.base, this.picks);
  }

  private change(edit: Edit): void {
    this.picks = applied(this.picks, edit);
    if (this.state === "conflict") return this.tell("conflict");
    this.tell(this.isWaiting ? "unsaved" : "saved");
    this.soon(REST_MS);
  }

  private tell(state: State): void {
    this.state = state;
    if (state !== "refused") this.error = null;
    if (state !== "conflict") this.theirs = null;
    this.changed();
  }

  private changed(): void {
    this.shown = null;
    for (const listener of this.listeners) listener();
  }

  private soon(rest: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.send(), rest);
  }

  private async send(): Promise<void> {
    if (!this.isFilled || this.isSending || this.state === "conflict" || !this.isWaiting) return;
    this.isSending = true;
    const sent = this.picks;
    try {
      const saved = await answered(
        api.PUT("/api/projects/{key}/jobs/{number}/micrographs/{output}/picks", {
          params: { path: this.place, query: { at: this.place.micrograph } },
          body: { since: this.revision, picks: sent.map((one) => this.row(one)) },
        }),
      );
      this.isSending = false;
      this.followers = [...saved.followers, ...saved.wholes];
      if (saved.ids.length !== sent.length) return await this.collide(sent);
      this.revision = saved.revision;
      sent.forEach((one, index) => this.remember(one.key, saved.ids[index] ?? ""));
      this.base = sent;
      this.tell(this.isWaiting ? "unsaved" : "saved");
      if (this.isWaiting) this.soon(0);
    } catch (refused) {
      this.isSending = false;
      // 401: another server has begun where this one was, which does not know us; ours may come back.
      if (!(refused instanceof Refused) || refused.status >= 500 || refused.status === 401) return this.tryAgain();
      if (refused.status === 409) return await this.collide(sent, refused);
      this.error = refused;
      this.tell("refused");
    }
  }

  private tryAgain(): void {
    this.tell("away");
    this.soon(TRY_AGAIN_MS);
  }

  /** The server holds another revision than ours: whose is it? */
  private async collide(sent: readonly Pick[], refused: Error | null = null): Promise<void> {
    let now: Told;
    try {
      now = await this.fetched();
    } catch {
      return this.tryAgain();
    }
    if (now.revision === this.revision) {
      this.error = refused;
      return this.tell("refused");
    }
    // Ours, of which the answer was lost: the places are those that were sent, in their order.
    if (areAlike(sent, now.rows.map((row) => this.read(now, row, 0)))) {
      const column = now.columns.indexOf(ID);
      now.rows.forEach((row, index) => this.remember(sent[index]?.key ?? 0, String(row[column] ?? "")));
      this.revision = now.revision;
      this.base = sent;
      this.tell(this.isWaiting ? "unsaved" : "saved");
      if (this.isWaiting) this.soon(0);
      return;
    }
    this.theirs = now;
    this.state = "conflict";
    this.changed();
  }

  private async fetched(): Promise<Told> {
    return answered(
      api.GET("/api/projects/{key}/jobs/{number}/micrographs/{output}/picks", {
        params: { path: this.place, query: { at: this.place.micrograph } },
      }),
    );
  }

  private adopt(told: Told): void {
    const column = told.columns.indexOf(ID);
    this.base = told.rows.map((row) => {
      const id = String(row[column] ?? "");
      const known = this.keys.get(id);
      const key = known ?? ++this.newest;
      this.remember(key, id);
      return this.read(told, row, key);
    });
    this.revision = told.revision;
    this.isFilled = true;
  }

  private read(told: Told, row: (string | number | null)[], key: number): Pick {
    const values: Values = Object.fromEntries(told.columns.map((name, index) => [name, row[index] ?? null]));
    return { key, x: Number(values[X]), y: Number(values[Y]), values };
  }

  private row(pick: Pick): Values {
    const id = this.ids.get(pick.key);
    return { ...pick.values, [X]: pick.x, [Y]: pick.y, [ID]: id ?? null };
  }

  private remember(key: number, id: string): void {
    if (!key || !id) return;
    this.ids.set(key, id);
    this.keys.set(id, key);
  }
}

const desks = new Map<string, Desk>();

/** The desk of a micrograph: what waits on it is still there when one comes back to it. */
export function deskOf(place: Place): Desk {
  const name = [place.key, place.number, place.output, place.micrograph].join(" ");
  const known = desks.get(name) ?? new Desk(place);
  desks.set(name, known);
  return known;
}

/** How many edits of all micrographs wait for the server. */
export function isAnyWaiting(): boolean {
  return [...desks.values()].some((desk) => desk.isWaiting);
}

addEventListener("beforeunload", (event) => {
  if (isAnyWaiting()) event.preventDefault();
});
