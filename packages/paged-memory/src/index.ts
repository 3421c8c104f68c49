export type { CompactionPlan } from "./compaction.ts";
export {
  DisposedError,
  IntegrityError,
  InvalidArgumentError,
  InvalidHandleError,
  InvalidPageError,
  InvalidStateError,
  OutOfPagesError,
  PagedMemoryError,
} from "./errors.ts";
export type { PageCopies } from "./held-pages.ts";
export { checkIntegrity, type IntegrityOptions, type PageCensus } from "./integrity.ts";
export { NaivePrefixTree } from "./naive-prefix-tree.ts";
export { type PageOwner, PagePool, type PagePoolOptions, type PageWatcher } from "./page-pool.ts";
export { PageTables } from "./page-tables.ts";
export type {
  PrefixEntry,
  PrefixHandle,
  PrefixInsertion,
  PrefixMatch,
  PrefixRetention,
  PrefixTree,
  PrefixTreeOptions,
} from "./prefix-tree.ts";
export { RadixPrefixTree } from "./radix-prefix-tree.ts";
export { SequencePages, type SequencePagesOptions } from "./sequence-pages.ts";
