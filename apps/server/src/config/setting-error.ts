/** A setting of the environment or a file that is wrong; the message names it and where it stands. */
export class SettingError extends Error {
  override readonly name = "SettingError";
}
