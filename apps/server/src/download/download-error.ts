/** A model that could not be had from the hub; the message says why, and what to do. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";
}
