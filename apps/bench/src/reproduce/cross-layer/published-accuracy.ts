/**
 * Average accuracy over eight tasks of 1.1B models with 11 KV layers of 22, after 100B tokens, by layout (Wu, Wu and Tu
 * 2024, arXiv 2410.14442). Throughput is in the study's figures only.
 */
export const publishedAccuracy: Readonly<Record<string, number>> = {
  standard: 50.17,
  "pizza-bottom": 49.62,
  "lasagna-bottom": 49.22,
  "sandwich-top": 50.05,
  "sandwich-middle": 49.29,
};
