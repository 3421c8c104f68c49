import { NaivePrefixTree } from "./naive-prefix-tree.ts";
import { describePrefixTree } from "./prefix-tree.case.ts";
import { describePrefixTreeEviction } from "./prefix-tree-eviction.case.ts";
import { RadixPrefixTree } from "./radix-prefix-tree.ts";

for (const describeTree of [describePrefixTree, describePrefixTreeEviction]) {
  describeTree("NaivePrefixTree", (options) => new NaivePrefixTree(options));
  describeTree("RadixPrefixTree", (options) => new RadixPrefixTree(options));
}
