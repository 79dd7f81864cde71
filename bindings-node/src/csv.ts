/** Writes cells as CSV (RFC 4180). */

/** What a cell of a record can hold. */
export type Cell = string | number | bigint | boolean | null

/** Matches a text that a spreadsheet takes for a formula, by its first character. */
const FORMULA = /^[=+\-@\t\r\n]/
/** Matches a text that must be quoted. An empty text is quoted too, so that it differs from null. */
const SPECIAL = /^$|[",\r\n]/

/**
 * Writes one line, with its line break. Null is an empty cell, and an empty text is `""`.
 *
 * @param escapeFormulas Whether to write a `'` before texts that a spreadsheet takes for formulas.
 */
export function csvLine(cells: readonly Cell[], escapeFormulas = false): string {
  return cells.map((cell) => csvCell(cell, escapeFormulas)).join(',') + '\r\n'
}

function csvCell(cell: Cell, escapeFormulas: boolean): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell)
  const text = escapeFormulas && FORMULA.test(cell) ? `'${cell}` : cell
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
