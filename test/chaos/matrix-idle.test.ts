import { faults } from './faults.ts'
import { defineMatrix } from './matrix-suite.ts'

// Those that can't run beside others come last: in between each of them would wait for all before it.
defineMatrix(
  'idle',
  faults
    .filter(({ idleOnly }) => idleOnly !== true)
    .toSorted((a, b) => Number(a.alone === true) - Number(b.alone === true)),
)
