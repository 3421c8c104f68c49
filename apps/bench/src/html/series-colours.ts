/**
 * The colours of Okabe and Ito that stand out on white ("Color universal design", 2008), which people with any
 * colour vision can tell apart.
 */
export const seriesColours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
