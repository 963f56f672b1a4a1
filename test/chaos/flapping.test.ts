import { faults } from './faults.ts'
import { defineMatrix } from './matrix-suite.ts'

// The row that takes longest, and does little: beside others from the first moment on, it holds nobody up.
defineMatrix(
  'idle',
  faults.filter(({ idleOnly }) => idleOnly === true),
)
