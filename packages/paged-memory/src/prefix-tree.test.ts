import { NaivePrefixTree } from "./naive-prefix-tree.ts";
import { describePrefixTree } from "./prefix-tree.case.ts";
import { RadixPrefixTree } from "./radix-prefix-tree.ts";

describePrefixTree("NaivePrefixTree", (options) => new NaivePrefixTree(options));
describePrefixTree("RadixPrefixTree", (options) => new RadixPrefixTree(options));
