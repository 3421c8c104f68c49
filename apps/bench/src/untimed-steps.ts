/**
 * Options of an engine that nobody waits for: its steps take prompts by their tokens alone. With a time to keep they
 * would follow the machine's mood, and so would all that is measured.
 */
export const untimedSteps = { stepMilliseconds: 60_000 } as const;
