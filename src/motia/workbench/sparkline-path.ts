/** A line through values at equal distances, and the area below it, in a box whose y grows downwards. */
export const linePath = (
  values: readonly number[],
  width: number,
  height: number,
): { readonly line: string; readonly area: string } => {
  const pad = 1.5
  const finite = values.filter((value) => Number.isFinite(value) && value >= 0)
  const only = finite[0]
  if (only === undefined) return { line: '', area: '' }
  const top = Math.max(...finite)
  const points = finite.length === 1 ? [only, only] : finite
  const y = (value: number): string => (height - pad - (top === 0 ? 0 : value / top) * (height - 2 * pad)).toFixed(1)
  const x = (index: number): string => ((index / (points.length - 1)) * width).toFixed(1)
  const line = points.map((value, index) => `${index === 0 ? 'M' : 'L'}${x(index)} ${y(value)}`).join('')
  return { line, area: `${line}L${width} ${height}L0 ${height}Z` }
}
