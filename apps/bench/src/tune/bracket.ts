/** Whole numbers on either side of an edge: what holds from somewhere on holds at `above`, and not at `below`. */
export type Bracket = { readonly below: number; readonly above: number };

/** Where to look next; undefined once the two are neighbours. */
export function middleOf({ below, above }: Bracket): number | undefined {
  return above - below > 1 ? Math.floor((below + above) / 2) : undefined;
}

export function narrowed({ below, above }: Bracket, middle: number, holds: boolean): Bracket {
  return holds ? { below, above: middle } : { below: middle, above };
}

/** Twice as wide, within `most`: fewer samples may have put the edge beside where it is. */
export function widened({ below, above }: Bracket, most: Bracket): Bracket {
  const by = Math.ceil((above - below) / 2);
  return { below: Math.max(most.below, below - by), above: Math.min(most.above, above + by) };
}
