import { live, zombieSuite } from './zombie-suite.ts'

zombieSuite('a process that goes on', live)
