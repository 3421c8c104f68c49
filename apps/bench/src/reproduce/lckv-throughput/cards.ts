import type { MachineRates } from "../step-cost.ts";
import type { PublishedRow } from "./published.ts";

/**
 * Peak rates that the makers publish: bf16 products that add up in f32, without sparsity, and the card's memory.
 * RTX 3090: 71 Top/s, 936 GB/s (NVIDIA Ampere GA102 GPU Architecture, white paper, V2, appendix A). A100 80GB: 312 Top/s,
 * 2,039 GB/s (NVIDIA A100 data sheet, the SXM card; the PCIe card has 1,935 GB/s, and the paper does not say which).
 */
const peaks: Readonly<Record<PublishedRow["card"], { readonly operations: number; readonly bytes: number }>> =
  {
    "RTX 3090": { operations: 71e12, bytes: 936e9 },
    "A100 80GB": { operations: 312e12, bytes: 2039e9 },
  };

/** PCI Express 4.0 with 16 lanes, one direction: 16 GT/s a lane (the same white paper: 64 GB/s for both directions). */
const hostBytes = 32e9;

/** What the card of a row could do at most. */
export function cardRates({ card, offload }: PublishedRow): MachineRates {
  const { operations, bytes } = peaks[card];
  return { operations, weightBytes: offload ? hostBytes : bytes, kvBytes: bytes };
}

/** For people. */
export const cardSources =
  "Peaks as NVIDIA publishes them (GA102 white paper, A100 data sheet): RTX 3090 71 Top/s bf16 and 936 GB/s, A100 80GB 312 Top/s and 2,039 GB/s, PCI Express 4.0 x16 32 GB/s.";
