/** Kinds of outputs that are maps. */
export const MAPS = new Set(["volume", "final map", "mask", "half maps", "local resolution"]);
