/** The engine's names of fields to those of the JSON, where one is called otherwise there; of a format, the beginnings of paths too. */
export type FieldNames = Readonly<Record<string, string>>;
