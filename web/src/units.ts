/** Numbers as people read them. */

export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return "–";
  if (seconds < 1) return "<1 s";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `017` of `Refine3D/job017`. */
export function digits(job: string): string {
  return job.slice(job.lastIndexOf("job") + 3);
}

/** `Refine3D` of `Refine3D/job017`. */
export function folder(job: string): string {
  return job.slice(0, job.indexOf("/"));
}

/** Whether the user is typing: keys mean letters then. */
export function isTyping(event: KeyboardEvent): boolean {
  return isInField(event) || event.ctrlKey || event.metaKey || event.altKey;
}

/** Whether a key was pressed in a field, which knows it itself. */
export function isInField(event: Event): boolean {
  return event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]):not([type=range]), select, textarea, [contenteditable]");
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const [unit, size] = ([["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12]] as const).findLast(([, one]) => count >= one)!;
  const value = count / size;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
