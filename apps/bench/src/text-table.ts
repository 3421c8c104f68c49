/** Which columns hold numbers, as far as they hold anything. */
export function numberColumns(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly boolean[] {
  return header.map((_, column) => rows.every((row) => /^-?[\d.,]|^$/.test(row[column] ?? "")));
}

/** Columns aligned for people: text to the left, numbers to the right. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumber = numberColumns(header, rows);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** The same as a Markdown table, its first column always to the left. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const isNumber = numberColumns(header, rows);
  const rule = header.map((_, column) => (column > 0 && isNumber[column] ? "--:" : "---"));
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}
