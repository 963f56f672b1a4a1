import { faults } from './faults.ts'
import { defineMatrix } from './matrix-suite.ts'

// Half of them, so that both cores have something to do.
defineMatrix(
  'load',
  faults.filter((_, i) => i % 2 === 1),
)
