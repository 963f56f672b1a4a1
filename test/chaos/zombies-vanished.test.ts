import { vanished, zombieSuite } from './zombie-suite.ts'

zombieSuite('a process that has vanished', vanished)
