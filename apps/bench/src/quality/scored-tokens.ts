import type { Engine, ScoredToken, ScoreRequest } from "@kvasir/core";

/** All tokens of a continuation. @param onToken called as each arrives, with its index */
export async function scoredTokens(
  engine: Engine,
  request: ScoreRequest,
  onToken: (index: number) => void = () => {},
): Promise<ScoredToken[]> {
  const tokens: ScoredToken[] = [];
  for await (const token of engine.score(request)) {
    onToken(tokens.length);
    tokens.push(token);
  }
  return tokens;
}
