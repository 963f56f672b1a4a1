import type { HealthReport } from '../../../types/index.js'
import type { CopiesOf } from '../../cache/l1/l1.js'
import type { Meters } from '../meters.js'
import type { Moves } from '../moves.js'
import type { StateMeter } from '../state-meter.js'

/** What a scrape reads. */
export interface ExpositionSources {
  readonly meters: Meters
  health(): HealthReport
  readonly moves: Moves
  readonly copies: CopiesOf
  /** Entries that reached an instance after it had missed them. */
  readonly replayed: ReadonlyMap<string, number>
  state(): StateMeter | undefined
}
