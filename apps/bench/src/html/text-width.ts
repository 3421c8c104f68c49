/** About as many pixels as a text takes at 12 pixels' height, rather too many than too few. */
export function textWidth(text: string): number {
  return 7 * text.length;
}
