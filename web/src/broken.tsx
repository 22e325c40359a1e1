import { Component, type ReactNode } from "react";

/** What is shown where the page itself is broken: the words of the fault, and a way on; nothing of the project is lost by it. */
export class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="empty" role="alert">
        <h1>This page is broken</h1>
        <p>
          {error.message}. Jobs are not concerned by it. <a href=".">Load it again</a>; if it is broken then too, please report this sentence.
        </p>
      </div>
    );
  }
}
