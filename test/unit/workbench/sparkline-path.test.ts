import { expect, it } from 'vitest'
import { linePath } from '../../../src/motia/workbench/sparkline-path.ts'

it('goes from the left edge to the right, the highest value at the top', () => {
  expect(linePath([0, 5, 10], 100, 24).line).toBe('M0.0 22.5L50.0 12.0L100.0 1.5')
})

it('draws one value as a line, nothing as nothing, and zeros at the bottom', () => {
  expect(linePath([3], 100, 24).line).toBe('M0.0 1.5L100.0 1.5')
  expect(linePath([], 100, 24)).toEqual({ line: '', area: '' })
  expect(linePath([0, 0], 100, 24).line).toBe('M0.0 22.5L100.0 22.5')
})

it('leaves out what is no figure', () => {
  expect(linePath([Number.NaN, 1, -1, Number.POSITIVE_INFINITY], 100, 24).line).toBe('M0.0 1.5L100.0 1.5')
})
