/** The raw bytes of pages, in order with steps: `pages.length * pageBytes`, page after page, in the device's own layout. */
export interface PageBytes {
  readPages(pages: Int32Array, out: Uint8Array): Promise<void>;
  writePages(pages: Int32Array, bytes: Uint8Array): Promise<void>;
}
