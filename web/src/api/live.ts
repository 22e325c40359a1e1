/** One WebSocket a tab: says which jobs have changed. Where a proxy ends it, the same is asked for, waiting. */
import { answered, api, base } from "./client";

const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 5000;
const SOCKET_TRIES = 3;

type News = { now: number; jobs: string[] };

/** Follow a project until the returned function is called. `tell` also hears `null` when the server is out of reach. */
export function follow(key: string, tell: (jobs: string[] | null) => void): () => void {
  let isOver = false;
  let socket: WebSocket | null = null;
  let since = 0;

  function take(news: News): void {
    // The first answer names every job: what changed after the page had asked, and before it followed, is among them.
    tell(news.jobs);
    since = news.now;
  }

  async function bySocket(): Promise<boolean> {
    const { ticket } = await answered(api.POST("/api/session/tickets"));
    const address = new URL(`api/projects/${key}/live?ticket=${ticket}&since=${since}`, base);
    address.protocol = address.protocol.replace("http", "ws");
    return new Promise((done) => {
      let wasOpen = false;
      socket = new WebSocket(address);
      socket.onopen = () => {
        wasOpen = true;
        tell([]);
      };
      socket.onmessage = (event) => take(JSON.parse(String(event.data)) as News);
      socket.onclose = () => done(wasOpen);
    });
  }

  async function byAsking(): Promise<void> {
    const query = { since, wait_s: 25 };
    take(await answered(api.GET("/api/projects/{key}/changes", { params: { path: { key }, query } })));
  }

  async function go(): Promise<void> {
    let rest = FIRST_REST_MS;
    let failed = 0;
    while (!isOver) {
      try {
        if (failed < SOCKET_TRIES) {
          failed = (await bySocket()) ? 0 : failed + 1;
        } else {
          await byAsking();
        }
        rest = FIRST_REST_MS;
      } catch {
        if (!isOver) tell(null);
        rest = Math.min(rest * 2, LONGEST_REST_MS);
      }
      if (!isOver) await new Promise((done) => setTimeout(done, failed < SOCKET_TRIES ? rest : 100));
    }
  }

  void go();
  return () => {
    isOver = true;
    socket?.close();
  };
}
