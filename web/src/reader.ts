/** Who came by a read-only link may look at one session until it ends; what they cannot do is not shown to them. */
import { createContext, useContext } from "react";

export type ByLink = { project: string; until: number };

export const ReaderContext = createContext<ByLink | null>(null);

/** The link by which one came; null for the project's user. */
export function useByLink(): ByLink | null {
  return useContext(ReaderContext);
}
