/** Stops of cividis (Nuñez, Anderton, Renslow, 2018), made to look the same with any colour vision. */
const cividis = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];

/** From below 0 over 0 to above 0: blue and vermilion of Okabe and Ito ("Color universal design", 2008), white between. */
const twoSided = ["#0072b2", "#ffffff", "#d55e00"];

const channel = (colour: string, index: number) =>
  Number.parseInt(colour.slice(1 + 2 * index, 3 + 2 * index), 16);

function mixed(stops: readonly string[], share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  const channels = [0, 1, 2].map((index) => {
    const [from, to] = [channel(stops[below]!, index), channel(stops[below + 1]!, index)];
    return Math.round(from + (at - below) * (to - from))
      .toString(16)
      .padStart(2, "0");
  });
  return `#${channels.join("")}`;
}

/** The colour of a share, from dark to light. */
export function heatColour(share: number): string {
  return mixed(cividis, share);
}

/** The colour of a share of a range around 0, white in its middle. */
export function twoSidedColour(share: number): string {
  return mixed(twoSided, share);
}

/** Black or white, whichever is easier to read on a colour. */
export function inkOn(colour: string): "#000000" | "#ffffff" {
  const light = 0.299 * channel(colour, 0) + 0.587 * channel(colour, 1) + 0.114 * channel(colour, 2);
  return light < 140 ? "#ffffff" : "#000000";
}

/** A gradient of CSS over a whole scale. */
export function gradientOf(colour: (share: number) => string): string {
  return `linear-gradient(90deg,${[0, 0.2, 0.4, 0.5, 0.6, 0.8, 1].map(colour).join(",")})`;
}
