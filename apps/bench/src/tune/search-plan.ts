/** Candidates that are left for the last round, and budgets of each that are judged. */
export const finalists = 4;
export const budgetsOfFinalist = 4;

/** Windows that steer each round: 4, then twice as many, up to `windows`. */
export function roundsOf(windows: number): number[] {
  const rounds: number[] = [];
  for (let count = 4; count < windows; count *= 2) rounds.push(count);
  return [...rounds, windows];
}

/** Times that a bracket is halved in a round. */
export const stepsOf = (round: number): number => (round === 0 ? 4 : 2);

/** Candidates that stay after a round. */
export function stayAfter(round: number, candidates: number, windows: number): number {
  const last = round === roundsOf(windows).length - 1;
  return Math.min(candidates, last ? finalists : Math.max(finalists, Math.ceil(candidates / 2)));
}

/** Windows that a search runs at most from a round on; what is known already is not run again. */
export function mostRuns(candidates: number, windows: number, fromRound = 0): number {
  let alive = candidates;
  let runs = 0;
  for (const [round, count] of roundsOf(windows).entries()) {
    if (round < fromRound) continue;
    // Two edges, each with its halvings and one look at its end.
    runs += alive * 2 * (stepsOf(round) + 1) * count;
    alive = stayAfter(round, alive, windows);
  }
  return runs + alive * budgetsOfFinalist * windows;
}
