/**
 * The alphabet of byte-level vocabularies (GPT-2): printable Latin-1 stands for itself, and the other 68 bytes
 * for U+0100 onwards, so that any bytes can be written as text without spaces or control characters.
 */
export const BYTE_TO_CHAR: readonly string[] = (() => {
  const printable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const CHAR_TO_BYTE: ReadonlyMap<string, number> = new Map(BYTE_TO_CHAR.map((char, byte) => [char, byte]));

/** The bytes that a byte-level token stands for, or undefined if it has a character outside the alphabet. */
export function byteLevelBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHAR_TO_BYTE.get(token[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Text as a byte-level token: its UTF-8 bytes, one character each. */
export function toByteLevel(text: string): string {
  let token = "";
  for (const byte of Buffer.from(text, "utf8")) token += BYTE_TO_CHAR[byte];
  return token;
}
