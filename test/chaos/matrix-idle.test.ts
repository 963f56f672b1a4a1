import { faults } from './faults.ts'
import { defineMatrix } from './matrix-suite.ts'

defineMatrix('idle', faults)
