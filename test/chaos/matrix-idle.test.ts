import { faults } from './faults.ts'
import { defineMatrix } from './matrix-suite.ts'

// The longest first, so that the others pass meanwhile.
defineMatrix(
  'idle',
  faults.toSorted((a, b) => (b.back ?? 0) - (a.back ?? 0)),
)
